//! What is said by saying that there is nothing to do: `do: none`, and `update: none`.

use orderhub_order::catalogue::known;
use orderhub_order::fold::Effect;
use orderhub_order::ids::At;
use orderhub_order::lane::LaneCode;
use orderhub_order::model::Order;
use orderhub_order::value::Value;

use crate::route::{lane, link, paid, turn, world};
use crate::world::rule;

#[test]
fn what_is_made_once_and_left_is_shown_to_nobody() {
    let mut world = world();
    let rules = world.systems.get_mut("erp").unwrap();
    (rules.deliver[0].update, rules.deliver[0].once) = (None, true);
    let mut state = paid(&world);
    link(&mut state, "erp");
    let effects = turn(&mut state, &world, |order| {
        order.set(&At::ROOT, known::order::ORDER_NO, Some(Value::text("7")));
    });
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Todo(_))), "{effects:?}");
    let erp = lane(&mut state, "erp");
    assert_eq!((erp.code, erp.wants.len()), (Some(LaneCode::Delivered), 0));
}

#[test]
fn a_cancellation_with_nothing_to_do_asks_nobody() {
    let mut world = world();
    let rules = world.systems.get_mut("erp").unwrap();
    rules.deliver.retain(|rule| &*rule.on != "order.cancelled");
    let cancel = |order: &mut Order| {
        order.set(&At::ROOT, known::order::STATE_LIFECYCLE, Some(Value::text("cancelled")));
    };
    let asked = |effects: &[Effect]| {
        let is =
            |effect: &&Effect| matches!(effect, Effect::Todo(item) if &*item.cause == "not_routed");
        effects.iter().filter(is).count()
    };
    let mut state = paid(&world);
    link(&mut state, "erp");
    let before = lane(&mut state.clone(), "erp").wants.len();
    assert_eq!(asked(&turn(&mut state.clone(), &world, cancel)), 1);
    let rules = world.systems.get_mut("erp").unwrap();
    rules.deliver.push(rule("order.cancelled/none"));
    assert_eq!(asked(&turn(&mut state, &world, cancel)), 0);
    assert_eq!(lane(&mut state, "erp").wants.len(), before, "nothing more is wanted");
}
