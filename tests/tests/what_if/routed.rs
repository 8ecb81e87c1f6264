//! What goes out, or does not any more, by other entries of `deliver:`, and what cannot go out.

use std::path::Path;

use super::{ORDERS, Past, call_of};

/// What an entry of `deliver:` lets through is told, for orders whose documents say the same.
pub(crate) fn what_is_delivered_by_other_entries_is_told(past: &Past) {
    let entry = "    do: changed\n    with: order\n";
    let sink = |to: &'static str| {
        move |new: &Path| {
            let file = new.join("sink/integration.yaml");
            let text = std::fs::read_to_string(&file).unwrap();
            assert!(text.contains(entry), "{text}");
            std::fs::write(&file, text.replace(entry, to)).unwrap();
        }
    };
    let held = sink("    do: changed\n    with: order\n    when: { order_no: [nobody] }\n");
    let (code, report, words) = past.what_if("held", held, &["--exit-code"]);
    assert_eq!((code, &report["differ"]), (1, &0.into()), "{report:#}\n{words}");
    let [call] = &report["deliveries"].as_array().unwrap()[..] else { panic!("{report:#}") };
    assert_eq!((&call["what"], &call["code"]), (&"held_back".into(), &"held".into()), "{call:#}");
    assert_eq!((&call["system"], &call["orders"]), (&"sink".into(), &ORDERS.into()), "{call:#}");
    let none = sink("    do: none\n");
    let (_, report, _) = past.what_if("none", none, &[]);
    assert_eq!(call_of(&report, "no_longer_delivered", "sink")["orders"], ORDERS, "{report:#}");
    let more = |new: &Path| {
        let file = new.join("rest_wms/integration.yaml");
        let text = std::fs::read_to_string(&file).unwrap();
        let same = "  - on: order.changed\n    do: cancel_order\n    with: order\n";
        std::fs::write(&file, format!("{text}{same}")).unwrap();
    };
    let (_, report, words) = past.what_if("wms", more, &[]);
    let call = call_of(&report, "newly_delivered", "wms");
    assert!(call["orders"].as_u64() > Some(0), "{report:#}\n{words}");
    assert!(call["why"].as_str().unwrap().starts_with("new orders like these"), "{call:#}");
}

/// A rule that fails is named by the file that was asked for, and what is not compared is said.
pub(crate) fn what_cannot_go_out_is_told_at_its_rule(past: &Past) {
    let fails = |new: &Path| {
        let file = new.join("sink/order.yaml");
        let text = std::fs::read_to_string(&file).unwrap();
        let fails = "system: lifecycle, as: { table: { rows: { x: closed } } } }";
        std::fs::write(&file, text.replace("system: lifecycle }", fails)).unwrap();
        let file = new.join("sink/connector.yaml");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, text.replace("path: /events", "path: /other")).unwrap();
    };
    let (_, report, words) = past.what_if("unsent", fails, &[]);
    let call = call_of(&report, "not_sent", "sink");
    let rule = call["new_rule"].as_str().unwrap();
    assert!(rule.starts_with("unsent/sink/order.yaml:"), "{call:#}");
    assert!(!call["why"].as_str().unwrap().contains("mappings/"), "{call:#}");
    assert_eq!(report["not_looked_at"], serde_json::json!(["unsent/sink/connector.yaml"]));
    let said = "note: not compared, and other than before: unsent/sink/connector.yaml: ";
    assert!(words.contains(said), "{words}");
}
