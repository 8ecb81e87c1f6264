//! Cards of connectors that keep to the contract, and of some that do not.

use std::path::Path;
use std::sync::Arc;

use orderhub_connectors::contract::Connector;
use orderhub_lang::diagnostic::{Source, render};

use super::*;
use crate::bundle::Bundle;

/// A system that makes jobs: `find` looks, `make` makes.
const JOBS: &str = r#"
orderhub: 1
connector: jobs
tested: twin
base: "{base_url}"
auth: { headers: { x-token: "{secret.token}" } }
operations:
  make_job:
    kind: state
    entity: order
    creates: true
    steps:
      - { id: find, method: GET, path: /jobs, query: { ref: "{doc.ref}" }, save: { id: body.items.one.id } }
      - id: make
        when: "memo.id == ()"
        method: POST
        path: /jobs
        body: "{doc}"
        idempotency: { find_first: find, settles: 10s }
        save: { id: body.id }
    reply: { xrefs: { order: memo.id } }
  list_jobs:
    kind: read
    steps: [{ id: page, method: GET, path: /jobs, query: { from: "{since}" }, page: { next: body.next } }]
    documents: body.items
webhooks:
  verify: { got: headers.x-proof, want: "{hex(hmac_sha256(secret.webhook, raw))}" }
  format: json
  id: "{headers.x-event}"
  kind: body.kind
  document: body
"#;

async fn of(text: &str) -> Card {
    let source = Source::new("connector.yaml", text);
    let declared = orderhub_connectors::declared::compile(&source);
    let declared = declared.unwrap_or_else(|found| panic!("{}", render(&found)));
    let connector: Arc<dyn Connector> = Arc::new(declared);
    let bench = Bench::open().unwrap();
    let card = card(&bench, "jobs", &connector).await.unwrap();
    bench.close().await;
    card
}

/// The checks that failed: `check operation/step`.
fn failures(card: &Card) -> Vec<String> {
    let failed = card.lines.iter().filter_map(|line| match &line.mark {
        Mark::Fail(why) => Some(format!("{} {}/{}: {why}", line.check, line.operation, line.step)),
        Mark::Pass | Mark::None(_) => None,
    });
    failed.collect()
}

#[tokio::test]
async fn a_connector_that_keeps_to_the_contract_has_no_failure() {
    let card = of(JOBS).await;
    assert_eq!(failures(&card), Vec::<String>::new());
    let reached = card.lines.iter().filter(|line| line.check == REACHED && line.mark == Mark::Pass);
    assert_eq!(reached.count(), 3);
    let (passed, _, _) = card.count();
    assert!(passed > 35, "{passed}: {:?}", card.lines);
    let lists = card.lines.iter().find(|line| line.check == LISTING).unwrap();
    assert_eq!(lists.mark, Mark::Pass);
}

/// Ways to say where a listing goes on.
const PAGES: [&str; 7] = [
    "{ number: 1, into: p, size: 20 }",
    "{ offset: 0, into: o, size: 7 }",
    "{ number: 1, into: p, more: body.page < body.pages }",
    "{ number: 0, into: p, more: body.pages > body.page + 1 }",
    "{ number: 1, into: p, more: body.ok == true && body.left > 3000000 }",
    "{ cursor: \"int(cursor ?? 0) + 50\", into: o, more: \"int(cursor ?? 0) + 50 <= body.total\" }",
    "{ cursor: body.next, into: c }",
];

#[tokio::test]
async fn a_listing_may_go_on_in_many_ways_and_loses_nothing_that_moves() {
    for page in PAGES {
        let card = of(&JOBS.replace("{ next: body.next }", page)).await;
        let of_listings = |line: &&Line| line.check == LISTING || line.check == MOVES;
        let marks: Vec<&Mark> =
            card.lines.iter().filter(of_listings).map(|line| &line.mark).collect();
        assert_eq!(marks, [&Mark::Pass, &Mark::Pass], "{page}");
    }
    let card =
        of(&JOBS.replace("{ next: body.next }", "{ next: body.next, snapshot: true }")).await;
    let moves = card.lines.iter().find(|line| line.check == MOVES).unwrap();
    assert!(matches!(moves.mark, Mark::None(_)), "{moves:?}");
}

#[tokio::test]
async fn a_listing_that_fails_says_what_it_was_answered() {
    let page = "{ number: 1, into: p, more: body.page == body.page + 'x' }";
    let card = of(&JOBS.replace("{ next: body.next }", page)).await;
    let found = failures(&card).join("\n");
    assert!(found.contains("tried: `{") && found.contains("\"items\":[{\"id\":"), "{found}");
    assert!(found.contains("says that no page is behind it"), "{found}");
}

/// What is broken, by what, and the check that finds it.
const BROKEN: &[(&str, &str, &str)] = &[
    // Sent again at once, whatever the look finds.
    ("when: \"memo.id == ()\"", "when: \"true\"", "lost answer make_job/make: what the look finds"),
    // 429 is no throttling to it.
    (
        "operations:",
        "answer: { throttled: \"status == 999\" }\noperations:",
        "throttled, Retry-After make_job/find",
    ),
    // A refused credential is a refusal like others.
    (
        "operations:",
        "answer: { not_allowed: \"status == 999\" }\noperations:",
        "revoked credential make_job/find",
    ),
    // Every answer is good.
    ("operations:", "answer: { ok: \"true\" }\noperations:", "refused make_job/"),
    // A retry says which one it is.
    ("body: \"{doc}\"", "body: { ref: \"{doc.ref}\", attempt: \"{attempt}\" }", "other bytes"),
    // The next page is left out.
    ("page: { next: body.next }", "page: { next: body.next, more: \"false\" }", "1,001 things"),
    // The proof covers something else than what is said.
    ("raw))", "headers.x-event))", "forged webhook webhooks/: what it says may be changed"),
    // An id that every event has.
    ("{headers.x-event}", "{body.kind != ()}", "webhook twice webhooks/: two events have one id"),
];

#[tokio::test]
async fn a_connector_that_looks_for_nothing_fails_its_card() {
    for (from, to, expected) in BROKEN {
        assert!(JOBS.contains(from), "{from}");
        let card = of(&JOBS.replace(from, to)).await;
        let failures = failures(&card);
        assert!(failures.iter().any(|line| line.contains(expected)), "{to}\n{failures:#?}");
    }
}

#[tokio::test]
async fn what_cannot_be_tried_is_not_called_well() {
    let text = JOBS
        .replace("when: \"memo.id == ()\"", "when: \"memo.id == () && doc.ref == doc.ref + 'x'\"");
    let card = of(&text).await;
    let of_make = |line: &&Line| line.step == "make";
    let marks: Vec<&Mark> = card.lines.iter().filter(of_make).map(|line| &line.mark).collect();
    assert!(matches!(marks.as_slice(), [Mark::None(_)]), "{marks:?}");
}

#[test]
fn every_shipped_connector_has_a_card_without_a_failure() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../mappings");
    let connectors = Bundle::connectors(&Bundle::read(&folder).unwrap()).unwrap();
    assert!(connectors.len() >= 18, "{}", connectors.len());
    let paused =
        || tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    let mut failed = Vec::new();
    for card in cards(&connectors, paused).unwrap() {
        let name = &card.connector;
        assert!(card.tested.is_some(), "{name} says what it was tried against");
        failed.extend(failures(&card).into_iter().map(|line| format!("{name}: {line}")));
    }
    assert!(failed.is_empty(), "{} failures\n{}", failed.len(), failed.join("\n"));
}
