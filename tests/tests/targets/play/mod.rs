//! Plays a random story against the fold and a target that does what it is told, and writes it down
//! as the steps of a rule file.

mod calls;
mod end;
mod words;

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use jiff::SignedDuration;
use orderhub_order::catalogue::catalogue;
use orderhub_order::fold::Act as Folded;
use orderhub_order::ids::{At, OrderKey, SystemName};
use orderhub_order::lane::Lane;
use orderhub_order::model::State;
use orderhub_tests::stories::deliver::Found;
use orderhub_tests::stories::memory::MemoryWorld;
use orderhub_tests::stories::read::contribution;
use orderhub_tests::stories::story::{Story, settings};
use orderhub_tests::stories::world::{Settings, World};
use serde_json::{Map, Value as Json, json};

use crate::act::{Act, Kind, Told};
use crate::target::Target;

const ORDER: OrderKey = OrderKey(1);
const NOTE: &str = "notes.customer";
const TIER: &str = "customer.tier";
const ADDRESS: &str = "addresses.ship_to";

/// A story under way.
#[derive(Debug)]
pub(crate) struct Play {
    kind: Kind,
    reports: bool,
    timed: bool,
    world: MemoryWorld,
    settings: Settings,
    target: Target,
    shop: Shop,
    /// The newest revision, of all.
    revision: i64,
    /// Words of the target's user that stood nowhere before, so far.
    words: u32,
    /// The last words of the target's user, by field, while the order has to be so.
    own: BTreeMap<&'static str, String>,
    parcels: u8,
    cut: bool,
    /// What the deliverer has found, and has not said yet.
    found: Option<Found>,
    steps: Vec<Json>,
    /// For the next step.
    note: Option<&'static str>,
}

/// What the shop has.
#[derive(Debug)]
struct Shop {
    note: u8,
    tier: u8,
    second: bool,
    quantity: u8,
}

/// What a story came to.
pub(crate) struct Came {
    /// The story as a rule file.
    pub(crate) yaml: String,
    /// What is not as it should be.
    pub(crate) wrong: Vec<String>,
}

/// Plays a story to its end. One that panics is wrong, too.
pub(crate) fn play(kind: Kind, told: &Told) -> Came {
    let mut play = Play::new(kind, told);
    let ran = catch_unwind(AssertUnwindSafe(|| {
        play.begin();
        told.acts.iter().for_each(|act| play.happen(act));
        play.end()
    }));
    let wrong = ran.unwrap_or_else(|panic| vec![format!("it panics: {}", said(&*panic))]);
    Came { yaml: play.yaml(&wrong), wrong }
}

/// What a panic says.
fn said(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a word")
}

fn word(number: u8) -> String {
    ["a", "b", "c"][usize::from(number) % 3].to_owned()
}

fn address(number: u8) -> Json {
    let line1 = ["One", "Two", "Three"][usize::from(number) % 3];
    json!({ "name": "A", "line1": line1, "city": "Town", "country": "DE" })
}

impl Play {
    fn new(kind: Kind, told: &Told) -> Self {
        let story: Story = read(&format!("why: \"\"\n{}steps: []\n", kind.head()));
        let settings = settings(&story, &BTreeMap::new());
        Self {
            kind,
            reports: told.reports,
            timed: told.timed,
            world: MemoryWorld::new(Arc::new(settings.clone())),
            settings,
            target: Target::default(),
            shop: Shop { note: 0, tier: 0, second: true, quantity: 1 },
            revision: 0,
            words: 0,
            own: BTreeMap::new(),
            parcels: 0,
            cut: false,
            found: None,
            steps: Vec::new(),
            note: None,
        }
    }

    /// The order is there; a target that is not made by a call knows it, and has it as it is.
    fn begin(&mut self) {
        self.shop_says();
        match self.kind {
            Kind::Parts => {
                self.drain(&["erp", "wms"]);
                self.parcel();
            }
            Kind::Made | Kind::Steps => {}
            Kind::Note | Kind::Lines | Kind::Two => {
                let says = json!({ NOTE: "a" });
                self.say(json!({ "system": "crm", "key": "c", "ref": "shop-1", "says": says }));
                self.drain(&["crm"]);
            }
        }
    }

    fn state(&self) -> State {
        self.world.state(ORDER)
    }

    fn system(&self) -> SystemName {
        SystemName::new(self.kind.target())
    }

    fn lane(&self) -> Option<Lane> {
        self.state().lanes.get(&self.system()).map(|lane| Lane::clone(lane))
    }

    /// Whether a call is in the air; `None`: there is none, nor one that waits for its next attempt.
    fn in_air(&self) -> Option<bool> {
        Some(self.lane()?.flying?.in_air)
    }

    fn step(&mut self, mut step: Json) {
        if let (Some(note), Json::Object(members)) = (self.note.take(), &mut step) {
            members.insert("note".to_owned(), json!(note));
        }
        self.steps.push(step);
    }

    fn wait(&mut self, seconds: i64) {
        self.world.advance(SignedDuration::from_secs(seconds));
        self.world.act(ORDER, &Folded::Tick);
        self.step(json!({ "wait": seconds }));
    }

    fn rest(&mut self) {
        if self.timed {
            self.wait(600);
        }
    }

    /// A document with the next revision.
    fn say(&mut self, mut document: Json) {
        if !self.world.orders().is_empty() {
            self.rest();
        }
        self.revision += 1;
        let now = self.world.now().to_string();
        document["revision"] = if self.timed { json!(now) } else { json!(self.revision) };
        let channel = document["system"] == "shop";
        let parsed = serde_json::from_value(document.clone()).expect("a document");
        self.world.document(&contribution(&parsed, channel), None);
        self.step(json!({ "document": document }));
    }

    fn shop_says(&mut self) {
        let mut says = Map::new();
        says.insert("order_no".to_owned(), json!("1"));
        let mut lines = vec![json!({ "key": "l", "sku": "X", "qty.ordered": self.shop.quantity })];
        if self.kind == Kind::Parts {
            says.insert("state.payment".to_owned(), json!("captured"));
            says.insert(ADDRESS.to_owned(), address(0));
            lines[0]["qty.ordered"] = json!(9);
        } else {
            says.insert(NOTE.to_owned(), json!(word(self.shop.note)));
            says.insert(TIER.to_owned(), json!(word(self.shop.tier)));
            if self.kind.is_made() {
                says.insert("state.payment".to_owned(), json!("captured"));
            }
            if self.shop.second {
                lines.push(json!({ "key": "m", "sku": "Y", "qty.ordered": 1 }));
            }
        }
        if self.kind != Kind::Note {
            says.insert("lines".to_owned(), json!({ "complete": true, "elements": lines }));
        }
        self.say(json!({ "system": "shop", "key": "1", "says": says }));
    }

    /// The order's word of a field.
    fn ordered(&self, path: &str) -> Option<String> {
        let field = catalogue().find_full(path).expect("a field").id;
        let state = self.state();
        let stated = state.order.get(&At::ROOT, field)?;
        stated.as_ref().as_ref()?.as_str().map(str::to_owned)
    }

    fn happen(&mut self, act: &Act) {
        let before = [NOTE, TIER].map(|path| (path, self.ordered(path)));
        match act {
            Act::Shop(word) => self.shop(word),
            Act::Person(word) => self.person(*word),
            Act::Restore(version) => self.restore(*version),
            Act::User(of, word) => return self.user(*of, *word),
            Act::Show if self.reports => return self.show(),
            Act::Show => {}
            Act::Own(part, word) => self.own(*part, *word),
            Act::Parcel => self.parcel(),
            Act::Fly => self.fly(),
            Act::Look => self.look(),
            Act::Looked => self.looked(),
            Act::Blocked => self.blocked(),
            Act::Land if self.target.land() => self.note = Some("the call has landed there"),
            Act::Land => {}
            Act::Answer(with) => self.answer(*with),
            Act::Drain => self.drain(&[self.kind.target()]),
            Act::Decide => self.decide(),
            Act::Resend { all } => self.resend(*all),
            Act::Cut => self.cut(),
        }
        if matches!(act, Act::Shop(_) | Act::Person(_) | Act::Restore(_)) {
            for (path, before) in before {
                if self.ordered(path) != before {
                    self.own.remove(path);
                }
            }
        }
    }
}

/// Reads a rule file's text, as `stories::story::read` does.
pub(crate) fn read(text: &str) -> Story {
    let options = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::from_str_with_options(text, options).unwrap_or_else(|e| panic!("{e}\n{text}"))
}
