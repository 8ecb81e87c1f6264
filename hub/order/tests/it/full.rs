//! Lists of a lane that are full.

use orderhub_order::catalogue::known;
use orderhub_order::fold::{Act, Facts, PersonAct, fold};
use orderhub_order::ids::At;
use orderhub_order::lane::{GivenUp, MOST_WANTS, WantKey};
use orderhub_order::rules::OperationKind;
use orderhub_order::value::Value;

use crate::route::{lane, name, paid, world};

#[test]
fn what_takes_the_place_of_another_in_a_full_list_is_stored() {
    let mut world = world();
    let sink = world.systems.get_mut("sink").unwrap();
    sink.deliver[0].single.as_mut().unwrap().kind = OperationKind::Fact;
    let mut state = paid(&world);
    let sink = lane(&mut state, "sink");
    let key = sink.wants[0].key.clone();
    let of = |version: usize| WantKey { fact: u32::try_from(version).ok(), ..key.clone() };
    for version in 100..100 + MOST_WANTS {
        sink.want(of(version), 1, None);
    }
    let fact = GivenUp { version: 1, release: None, may_be_there: false, whole: false };
    // Older ones than the firing that comes.
    let mut known = std::iter::repeat_with(|| fact.clone());
    for version in 1_000..1_000 + MOST_WANTS {
        let older = WantKey {
            fact: Some(0),
            rule: format!("order.changed/p{version}").into(),
            ..key.clone()
        };
        sink.given_up.insert(older.text(), known.next().unwrap());
    }
    assert_eq!((sink.wants.len(), sink.given_up.len()), (MOST_WANTS, MOST_WANTS));
    let values = vec![(At::ROOT, known::order::NOTES_INTERNAL, Some(Value::text("a")))];
    let act = Act::Person(PersonAct::Edit { seen: state.order.version, values });
    let folded =
        fold(&mut state, &act, &world.rules(), &Facts::default(), jiff::Timestamp::UNIX_EPOCH);
    let sink = lane(&mut state, "sink");
    let newest = of(2).text();
    assert!(sink.given_up.contains_key(&newest), "{:?}", sink.given_up.keys());
    assert_eq!(sink.given_up.len(), MOST_WANTS);
    assert!(folded.lanes.contains(&name("sink")), "{:?}", folded.lanes);
}
