//! Plays a random story against the fold and a target that does what it is told, and writes it down
//! as the steps of a rule file.

mod calls;
mod end;
mod words;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::SignedDuration;
use orderhub_order::catalogue::catalogue;
use orderhub_order::fold::Act as Folded;
use orderhub_order::ids::{At, OrderKey, SystemName};
use orderhub_order::lane::Lane;
use orderhub_order::model::State;
use orderhub_tests::stories::memory::MemoryWorld;
use orderhub_tests::stories::read::contribution;
use orderhub_tests::stories::story::{Story, settings};
use orderhub_tests::stories::world::{Settings, World};
use serde_json::{Map, Value as Json, json};

use crate::act::{Act, Kind, Told};
use crate::target::Target;

const ORDER: OrderKey = OrderKey(1);
const NOTE: &str = "notes.customer";
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
    /// The last word of the target's user, while the order has to be so.
    own: Option<String>,
    parcels: u8,
    cut: bool,
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

/// Plays a story to its end.
pub(crate) fn play(kind: Kind, told: &Told) -> Came {
    let mut play = Play::new(kind, told);
    play.begin();
    told.acts.iter().for_each(|act| play.happen(act));
    let wrong = play.end();
    Came { yaml: play.yaml(&wrong), wrong }
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
            own: None,
            parcels: 0,
            cut: false,
            steps: Vec::new(),
            note: None,
        }
    }

    /// The order is there, the target knows it and has it as it is.
    fn begin(&mut self) {
        self.shop_says();
        if self.kind == Kind::Parts {
            self.drain(&["erp", "wms"]);
            self.parcel();
        } else {
            let says = json!({ NOTE: "a" });
            self.say(json!({ "system": "crm", "key": "c", "ref": "shop-1", "says": says }));
            self.drain(&["crm"]);
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
            says.insert("customer.tier".to_owned(), json!(word(self.shop.tier)));
            if self.shop.second {
                lines.push(json!({ "key": "m", "sku": "Y", "qty.ordered": 1 }));
            }
        }
        if self.kind != Kind::Note {
            says.insert("lines".to_owned(), json!({ "complete": true, "elements": lines }));
        }
        self.say(json!({ "system": "shop", "key": "1", "says": says }));
    }

    /// The order's note.
    fn ordered(&self) -> Option<String> {
        let field = catalogue().find_full(NOTE).expect("a field").id;
        let state = self.state();
        let stated = state.order.get(&At::ROOT, field)?;
        stated.as_ref().as_ref()?.as_str().map(str::to_owned)
    }

    fn happen(&mut self, act: &Act) {
        let before = self.ordered();
        match act {
            Act::Shop(word) => self.shop(word),
            Act::Person(word) => self.person(*word),
            Act::Restore(version) => self.restore(*version),
            Act::User(word) => return self.user(*word),
            Act::Show if self.reports => return self.show(),
            Act::Show => {}
            Act::Own(part, word) => self.own(*part, *word),
            Act::Parcel => self.parcel(),
            Act::Fly => self.fly(),
            Act::Land if self.target.land() => self.note = Some("the call has landed there"),
            Act::Land => {}
            Act::Answer(with) => self.answer(*with),
            Act::Drain => self.drain(&[self.kind.target()]),
            Act::Cut => self.cut(),
        }
        let others = matches!(act, Act::Shop(_) | Act::Person(_) | Act::Restore(_));
        if others && self.ordered() != before {
            self.own = None;
        }
    }
}

/// Reads a rule file's text, as `stories::story::read` does.
pub(crate) fn read(text: &str) -> Story {
    let options = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::from_str_with_options(text, options).unwrap_or_else(|e| panic!("{e}\n{text}"))
}
