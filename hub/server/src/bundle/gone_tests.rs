//! What is gone after some switches, and who stands in its place.

use super::*;

fn at(day: i64) -> Timestamp {
    Timestamp::from_second(day * 86_400).unwrap()
}

/// `erp order.accepted/put, …`; `…/none`: nothing is to be done; `…/make!`: it makes something.
fn listens(text: &str) -> Listens {
    let mut listens = Listens::default();
    for entry in text.split(", ").filter(|entry| !entry.is_empty()) {
        let (system, id) = entry.split_once(' ').unwrap();
        let (on, operation) = id.split_once('/').unwrap();
        let (system, id, on) = (SystemName::new(system), id.into(), on.into());
        if operation == "none" {
            listens.nothing.insert((system, on));
        } else {
            let (fact, creates, reads) = (false, operation.ends_with('!'), vec![7]);
            listens.rules.push(Rule { system, id, on, fact, creates, reads });
        }
    }
    listens
}

/// After these switches, a day each: what is gone, with who stands in its place.
fn gone(switches: &[&str]) -> String {
    let mut listened = Listened::default();
    for (day, switch) in switches.iter().enumerate() {
        let listens = listens(switch);
        listened = listened.next(&listens, at(i64::try_from(day).unwrap()));
        listened = Listened::read(&listened.to_text()).unwrap();
    }
    let gone = listened.rules.iter().filter(|known| known.gone.is_some());
    let word = |known: &Known| match listened.stands_for(known, &|one| one.gone.is_none()) {
        Some(heir) => format!("{} ► {}", known.rule.id, heir.rule.id),
        None => known.rule.id.to_string(),
    };
    gone.map(word).collect::<Vec<_>>().join(", ")
}

#[test]
fn a_rule_is_gone_until_it_is_back_or_meant() {
    for (why, switches, expected) in [
        ("nothing was before", &["erp a/x"][..], ""),
        ("it vanishes", &["erp a/x, erp b/y", "erp b/y"], "a/x"),
        ("and is back", &["erp a/x", "", "erp a/x"], ""),
        ("other files change nothing", &["erp a/x", "", "erp b/y"], "a/x"),
        ("of another system", &["erp a/x, wms a/x", "wms a/x"], "a/x"),
        ("that nothing is to be done is meant", &["erp a/x", "erp a/none"], ""),
        ("later, too", &["erp a/x", "", "erp a/none", ""], ""),
        ("of another event it is not", &["erp a/x", "erp b/none"], "a/x"),
        ("after a week it is meant", &["erp a/x", "", "", "", "", "", "", ""], "a/x"),
        ("", &["erp a/x", "", "", "", "", "", "", "", ""], ""),
    ] {
        assert_eq!(gone(switches), expected, "{why}");
    }
}

#[test]
fn who_was_there_beside_it_takes_nothing_over() {
    for (why, switches, expected) in [
        ("another operation in its place", &["erp a/x", "erp a/z"][..], "a/x ► a/z"),
        ("after a while", &["erp a/x", "", "erp a/z"], "a/x ► a/z"),
        ("one beside it stays", &["erp a/x, erp a/y", "erp a/y"], "a/x"),
        ("one of both is back", &["erp a/x, erp a/y", "", "erp a/y"], "a/x"),
        ("led back", &["erp a/x", "erp a/z", "erp a/x"], "a/z ► a/x"),
        ("of another event", &["erp a/x", "erp b/z"], "a/x"),
        ("of another system", &["erp a/x", "wms a/z"], "a/x"),
        ("who stands in its place goes, too", &["erp a/x", "erp a/z", ""], "a/x ► a/z, a/z"),
        ("and is back", &["erp a/x", "erp a/z", "", "erp a/z"], "a/x ► a/z"),
        ("or the first is", &["erp a/x", "erp a/z", "", "erp a/x"], "a/z ► a/x"),
        ("they take turns", &["erp a/x", "erp a/z", "erp a/x", "erp a/z"], "a/x ► a/z"),
        ("again and again", &["erp a/x", "erp a/z", "erp a/x", "erp a/z", "erp a/x"], "a/z ► a/x"),
        ("a third one", &["erp a/x", "erp a/z", "erp a/w"], "a/x ► a/w, a/z ► a/w"),
        ("both once, long ago", &["erp a/x, erp a/y", "erp a/x", "erp a/y"], "a/x"),
        (
            "one beside it comes by way of another",
            &["erp a/x, erp a/y", "erp a/x", "", "", "", "", "", "", "", "erp a/z", "erp a/y"],
            "a/x, a/z ► a/y",
        ),
        (
            "one that was forgotten is back, and what stood beside it knows it",
            &["erp a/x, erp a/y", "erp a/y", "", "", "", "", "", "", "", "erp a/x"],
            "",
        ),
    ] {
        assert_eq!(gone(switches), expected, "{why}");
    }
}

#[test]
fn a_rule_takes_over_only_where_it_is_plain_from_which() {
    for (why, switches, expected) in [
        ("two of two", &["erp a/x, erp a/y", "erp a/z, erp a/w"][..], "a/x, a/y"),
        ("one of two", &["erp a/x, erp a/y", "erp a/z"], "a/x, a/y"),
        ("two of one", &["erp a/x", "erp a/z, erp a/w"], "a/x"),
        ("one of two that stays", &["erp a/x, erp a/y", "erp a/y, erp a/z"], "a/x ► a/z"),
        ("one that waits already", &["erp a/x, erp a/y", "erp a/y", "erp a/z"], "a/x, a/y"),
        ("one after the other", &["erp a/x, erp a/y", "erp a/z", "erp a/z, erp a/w"], "a/x, a/y"),
        (
            "who was there is no newcomer",
            &["erp a/x, erp a/y", "erp a/z", "erp a/x, erp a/z"],
            "a/y",
        ),
        ("of each event", &["erp a/x, erp b/x", "erp a/z, erp b/z"], "a/x ► a/z, b/x ► b/z"),
        ("of each system", &["erp a/x, wms a/x", "erp a/z, wms a/z"], "a/x ► a/z, a/x ► a/z"),
        ("both make", &["erp a/x!", "erp a/z!"], "a/x! ► a/z!"),
        ("one makes what the other told", &["erp a/x", "erp a/z!"], "a/x"),
        ("one tells what the other made", &["erp a/x!", "erp a/z"], "a/x!"),
    ] {
        assert_eq!(gone(switches), expected, "{why}");
    }
}

#[test]
fn who_has_an_heir_is_remembered_as_long_as_that() {
    let week = |before: &[&'static str], files: &'static str, after: &[&'static str]| {
        let all = before.iter().copied().chain([files; 8]).chain(after.iter().copied());
        gone(&all.collect::<Vec<_>>())
    };
    assert_eq!(week(&["erp a/x"], "erp a/z", &[]), "a/x ► a/z", "while it is there");
    assert_eq!(week(&["erp a/x"], "erp a/z", &[""]), "a/x ► a/z, a/z", "while it is remembered");
    assert_eq!(week(&["erp a/x", "erp a/z"], "", &[]), "", "and no longer");
    assert_eq!(week(&["erp a/x", "erp a/z"], "erp a/w", &[]), "a/x ► a/w, a/z ► a/w");
    assert_eq!(week(&["erp a/x"], "erp a/z", &["erp a/none"]), "", "that nothing is done is meant");
}

#[test]
fn what_is_kept_is_bounded_and_read_for_ever() {
    let many: Vec<String> = (0..=MOST_GONE).map(|n| format!("erp a/{n}")).collect();
    let listened = Listened::default().next(&listens("erp b/late, erp b/stays"), at(0));
    let both = format!("{}, erp b/late, erp b/stays", many.join(", "));
    let listened = listened.next(&listens(&both), at(1));
    let listened = listened.next(&listens("erp b/late, erp b/stays"), at(2));
    let listened = listened.next(&listens("erp b/stays"), at(3));
    assert_eq!(listened.gone().map(|gone| gone.rule).collect::<Vec<_>>(), ["b/late".into()]);
    let text = r#"{"rules":[{"system":"erp","id":"a/x","on":"a","new":true}],"later":1}"#;
    assert_eq!(Listened::read(text).unwrap().rules.len(), 1, "a later program says more");
    assert_eq!(Listened::read("{}"), Some(Listened::default()));
    assert_eq!(Listened::read("no list"), None);
}
