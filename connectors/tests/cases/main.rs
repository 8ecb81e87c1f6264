//! Cases of the declared connector as data: a call, the requests it must make, the answers it gets, and
//! what it makes of them. The one place that walks a connector as the server does.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod convert;
mod invented;
mod limits;
mod shown;
mod webhooks;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use orderhub_connectors::contract::*;
use orderhub_connectors::declared::{self, Declared, Documents};
use orderhub_connectors::error::Next as After;
use orderhub_lang::diagnostic::{Source, render};
use orderhub_lang::value::Value;
use orderhub_lang::yaml::{self, Budget};

use shown::*;

const NOW: i64 = 1_764_000_000;

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/connectors")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|ext| ext == "yaml"));
    files.sort();
    files
}

fn load(path: &Path) -> Value {
    let name = path.file_name().unwrap().to_string_lossy();
    let source = Source::new(name, fs::read_to_string(path).unwrap());
    let tree = yaml::parse(&source, &Budget::default());
    tree.unwrap_or_else(|found| panic!("{}", render(&found))).to_value()
}

/// The documents beside a connector file.
fn documents(folder: &Path) -> Documents {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let documents = paths.filter(|path| path.extension().is_some_and(|ext| ext == "graphql"));
    let document = |path: PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name.clone(), Source::new(name, fs::read_to_string(path).unwrap()))
    };
    documents.map(document).collect()
}

fn connector(name: &str) -> Declared {
    let path = data().join("files").join(name);
    let source = Source::new(name, fs::read_to_string(path).unwrap());
    declared::compile_naming(&source, &documents(&data().join("files")), &convert::Known)
        .unwrap_or_else(|found| panic!("{}", render(&found)))
}

/// What a case says around a connector.
struct Around {
    settings: BTreeMap<String, String>,
    secrets: BTreeMap<String, Vec<String>>,
    session: BTreeMap<String, String>,
}

impl Around {
    fn of(case: &Value) -> Self {
        let secrets = values(case, "secrets").into_iter();
        Self {
            settings: texts(case, "settings"),
            session: texts(case, "session"),
            secrets: secrets
                .map(|(name, list)| {
                    let list = list.as_list().map_or(vec![list.clone()], <[_]>::to_vec);
                    (name, list.iter().map(|value| text(Some(value))).collect())
                })
                .collect(),
        }
    }

    fn with<T>(&self, use_: impl FnOnce(&Credentials<'_>) -> T) -> T {
        let secret = |name: &str| self.secrets.get(name).cloned().unwrap_or_default();
        use_(&Credentials {
            secret: &secret,
            settings: &self.settings,
            now: NOW,
            nonce: "nonce",
            session: &self.session,
        })
    }
}

/// A walk through one call, as the server does it.
struct Walk<'a> {
    why: String,
    connector: &'a Declared,
    around: &'a Around,
    call: Call<'a>,
    memo: Memo,
}

impl Walk<'_> {
    /// One request and its answer; whether the call goes on.
    fn turn(&mut self, turn: &Value) -> bool {
        let request = self.request(turn);
        let answer = answer(turn);
        self.limits(turn, &request, &answer);
        let outcome = turn.get("outcome");
        match self.connector.answer(&self.call, &mut self.memo, &answer) {
            Ok(()) => assert!(outcome.is_none(), "{}: the answer was taken", self.why),
            Err(error) => {
                let next = error.next();
                let shown = map(vec![
                    ("error", Value::Text(error.to_string())),
                    ("next", Value::Text(format!("{next:?}"))),
                ]);
                let why = &self.why;
                expect(why, outcome.unwrap_or_else(|| panic!("{why}\n{shown:?}")), &shown);
                if !self.goes_on(&request.idempotency, next) {
                    return false;
                }
            }
        }
        // What the store keeps is enough to go on.
        self.memo = Memo::from_bytes(&self.memo.to_bytes()).unwrap();
        if let Some(known) = turn.get("known") {
            let now = self.connector.known(&self.call, &self.memo).iter().map(show_xref).collect();
            assert_eq!(Value::List(now), *known, "{}", self.why);
        }
        self.pauses(turn)
    }

    /// What stands between this answer and the next request; whether the call goes on by itself.
    fn pauses(&mut self, turn: &Value) -> bool {
        let shown = match self.connector.next(&self.call, &self.memo) {
            Ok(NextStep::Wait(wait)) => map(vec![
                ("waits", show_time(wait.every)),
                ("asked", Value::Int(wait.asked.into())),
            ]),
            Ok(NextStep::Part(part)) => show_part(&part),
            _ => {
                assert!(turn.get("then").is_none(), "{}: the call goes on at once", self.why);
                return true;
            }
        };
        let then = turn.get("then").unwrap_or_else(|| panic!("{}\n{shown:?}", self.why));
        expect(&self.why, then, &shown);
        self.memo.go_on();
        true
    }

    /// The request that is due: the same each time it is asked for, then signed.
    fn request(&self, turn: &Value) -> Request {
        let next = || match self.connector.next(&self.call, &self.memo) {
            Ok(NextStep::Send(request)) => *request,
            other => panic!("{}\nexpected a request, got {other:?}", self.why),
        };
        let mut request = next();
        assert_eq!(show_request(&next()), show_request(&request), "{}", self.why);
        let built = show_request(&request).to_json_text();
        for secret in self.around.secrets.values().flatten().filter(|secret| secret.len() > 4) {
            assert!(!built.contains(secret), "{}: a secret is not in what is built", self.why);
        }
        self.around.with(|with| self.connector.authorize(&mut request, with)).unwrap();
        expect(&self.why, turn.get("request").unwrap(), &show_request(&request));
        request
    }

    /// Safe steps are sent again, others looked for first; what is in doubt a person has sent again, and what is left
    /// ends the call.
    fn goes_on(&mut self, idempotency: &Idempotency, next: After) -> bool {
        match (idempotency, next) {
            (Idempotency::FindFirst { step, .. }, After::Doubt | After::Look) => {
                self.memo.step = *step;
                self.memo.position = 0;
                true
            }
            (Idempotency::Safe | Idempotency::Unsafe, After::Doubt) => true,
            (_, After::Retry { .. } | After::Slower { .. }) => true,
            _ => false,
        }
    }
}

fn run_call(path: &Path, case: &Value) {
    let why = format!("{}: {}", path.display(), text(case.get("why")));
    let connector = connector(&text(case.get("connector")));
    let around = Around::of(case);
    let asked = case.get("call").unwrap();
    let operation = text(asked.get("operation"));
    let document = body(asked.get("document"));
    let media = asked.get("media").map_or("application/json".to_owned(), |media| text(Some(media)));
    let (xrefs, args) = (values(asked, "xrefs"), values(asked, "args"));
    let fields: Vec<String> = list(asked, "fields").iter().map(|v| text(Some(v))).collect();
    let call = Call {
        operation: &operation,
        document: &document,
        changed: None,
        media: &media,
        key: "K",
        attempt: 1,
        base_url: "https://system.example.com",
        settings: &around.settings,
        xrefs: &xrefs,
        args: &args,
        fields: &fields,
    };
    let mut walk =
        Walk { why, connector: &connector, around: &around, call, memo: Memo::default() };
    let turns = list(case, "turns");
    if !turns.iter().all(|turn| walk.turn(turn)) {
        return;
    }
    let Some(end) = case.get("end") else {
        let failed = turns.last().and_then(|turn| turn.get("outcome"));
        assert!(failed.is_some(), "{}: a case says how it ends", walk.why);
        return;
    };
    let shown = match connector.next(&walk.call, &walk.memo) {
        Ok(NextStep::Done(reply)) => show_reply(&reply),
        Ok(NextStep::Send(request)) => map(vec![("sends", request.step.as_str().into())]),
        Ok(other) => panic!("{}\n{other:?}", walk.why),
        Err(error) => map(vec![("error", Value::Text(error.to_string()))]),
    };
    expect(&walk.why, end, &shown);
    // A person has all of it tried once more, with what is known.
    walk.memo = Memo { saved: walk.memo.saved, ..Memo::default() };
    for turn in list(case, "again") {
        assert!(walk.turn(turn), "{}: it goes on", walk.why);
    }
}

fn answer(turn: &Value) -> Answer {
    let answer = turn.get("answer").unwrap();
    Answer {
        status: answer.get("status").and_then(Value::as_int).unwrap().try_into().unwrap(),
        headers: texts(answer, "headers").into_iter().collect(),
        body: body(answer.get("body")),
    }
}

fn run_login(path: &Path, case: &Value) {
    let why = format!("{}: {}", path.display(), text(case.get("why")));
    let connector = connector(&text(case.get("connector")));
    let around = Around::of(case);
    let turn = case.get("login").unwrap();
    assert!(connector.logs_in().is_some(), "{why}");
    let request = around.with(|with| connector.login("https://system.example.com", with));
    let request = match request {
        Ok(request) => show_request(&request),
        Err(error) => map(vec![("error", Value::Text(error.to_string()))]),
    };
    expect(&why, turn.get("request").unwrap(), &request);
    if turn.get("answer").is_none() {
        return;
    }
    let shown = match around.with(|with| connector.logged_in(with, &answer(turn))) {
        Ok(session) => map(vec![
            (
                "session",
                Value::Map(session.values.into_iter().map(|(k, v)| (k, Value::Text(v))).collect()),
            ),
            (
                "lives_s",
                session
                    .lives
                    .map_or(Value::Null, |time| Value::Int(time.as_secs().try_into().unwrap())),
            ),
        ]),
        Err(error) => map(vec![("error", Value::Text(error.to_string()))]),
    };
    expect(&why, case.get("end").unwrap(), &shown);
}

#[test]
fn every_case_of_the_declared_connector_holds() {
    let cases = files(&data());
    assert!(cases.len() > 15, "the cases are there");
    for path in cases {
        let case = load(&path);
        if case.get("login").is_some() {
            run_login(&path, &case);
        } else if case.get("webhook").is_some() {
            webhooks::run(&path, &case);
        } else {
            run_call(&path, &case);
        }
    }
}

/// `UPDATE=1` rewrites the expected reports; the difference is the review.
#[test]
fn every_mistake_of_a_file_is_reported_at_its_place_in_one_run() {
    let update = std::env::var_os("UPDATE").is_some();
    for path in files(&data().join("wrong")) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let source = Source::new(name.clone(), fs::read_to_string(&path).unwrap());
        let beside = documents(&data().join("wrong"));
        let report = match declared::compile_naming(&source, &beside, &convert::Known) {
            Ok(_) => panic!("{name} was accepted"),
            Err(found) => render(&found),
        };
        let expected = path.with_extension("txt");
        if update {
            fs::write(&expected, &report).unwrap();
        }
        assert_eq!(report, fs::read_to_string(&expected).unwrap_or_default(), "{name}");
    }
}

#[test]
fn a_file_tells_its_limits_operations_and_what_must_be_configured() {
    let connector = connector("rest_wms.yaml");
    let limits: Vec<String> = connector
        .limits()
        .iter()
        .map(|limit| format!("{} {}/{:?} {}", limit.name, limit.calls, limit.per, limit.burst))
        .collect();
    assert_eq!(limits, ["default 10/1s 20", "parcel 1/1800s 1"]);
    let needs = connector.needs();
    let at = |list: &[(String, String)]| -> Vec<String> {
        list.iter().map(|(name, place)| format!("{name} {place}")).collect()
    };
    assert_eq!(at(&needs.settings), ["warehouse rest_wms.yaml:28:27"]);
    assert_eq!(at(&needs.secrets), ["token rest_wms.yaml:5:31", "webhook rest_wms.yaml:63:45"]);
    // A setting that only an operation reads is asked of those who use the operation.
    let of = |used: &str| connector.needs_of(&|operation| operation == used);
    assert_eq!(at(&of("create_fulfilment").settings), at(&needs.settings));
    assert_eq!(of("nothing"), Needs { settings: Vec::new(), secrets: needs.secrets.clone() });
    let create = connector.operations().first().unwrap();
    assert_eq!((create.creates, create.names), (true, true));
    assert_eq!(create.entity.as_deref(), Some("fulfilment"));
}

#[test]
fn what_writes_in_more_than_one_step_says_so() {
    let in_steps = |file: &str, name: &str| {
        let connector = connector(file);
        let operation = connector.operations().iter().find(|known| known.name == name);
        operation.unwrap_or_else(|| panic!("{file} has no `{name}`")).in_steps
    };
    let cases = [
        ("rest_wms.yaml", "create_fulfilment", false),
        ("tryton_erp.yaml", "create_sale", true),
        // One step, over every element.
        ("batch_out.yaml", "put_rows", true),
        ("paging.yaml", "by_link", false),
    ];
    for (file, name, expected) in cases {
        assert_eq!(in_steps(file, name), expected, "{file}: {name}");
    }
}

#[test]
fn every_connector_file_of_the_shipped_integrations_compiles_without_a_finding() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../mappings");
    let mut seen = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let folder = entry.unwrap().path();
        let path = folder.join("connector.yaml");
        let Ok(text) = fs::read_to_string(&path) else { continue };
        seen += 1;
        let source = Source::new(path.to_string_lossy(), text);
        match declared::compile_naming(&source, &documents(&folder), &convert::Any) {
            Ok(declared) => {
                assert!(declared.warnings().is_empty(), "{}", render(declared.warnings()))
            }
            Err(found) => panic!("{}", render(&found)),
        }
    }
    assert!(seen >= 5, "the integrations are there");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(200))]

    #[test]
    fn a_damaged_file_ends_with_a_connector_or_findings_and_their_report(
        at in 0..3_400_usize, with in "[\\[\\]{}:,&*'\"%@#a-c0-2 \\t\\n-]{0,4}", cut in 0..20_usize,
    ) {
        let text = fs::read_to_string(data().join("files/rest_wms.yaml")).unwrap();
        let chars: Vec<char> = text.chars().collect();
        let at = at.min(chars.len());
        let tail = chars.iter().skip(at + cut);
        let damaged: String = chars.iter().take(at).copied().chain(with.chars()).chain(tail.copied()).collect();
        if let Err(found) = declared::compile(&Source::new("damaged.yaml", damaged)) {
            assert!(!found.is_empty());
            assert!(!render(&found).is_empty());
        }
    }
}
