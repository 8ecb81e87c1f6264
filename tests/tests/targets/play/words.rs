//! What is said in a random story: by the shop, by people, by the target and its user, by parts' systems.

use orderhub_order::catalogue::catalogue;
use orderhub_order::fold::{Act as Folded, PersonAct, restorable};
use orderhub_order::ids::At;
use orderhub_order::lane::Facet;
use orderhub_order::value::Value;
use orderhub_tests::stories::read::value;
use orderhub_tests::stories::world::World;
use serde_json::json;

use super::{ADDRESS, NOTE, ORDER, Play, TIER, address, word};
use crate::act::{Kind, Part, Said, Word};
use crate::target::Held;

impl Play {
    pub(super) fn shop(&mut self, word: &Word) {
        match word {
            Word::Note(note) => self.shop.note = *note,
            Word::Tier(tier) => self.shop.tier = *tier,
            Word::Line => self.shop.second = !self.shop.second,
            Word::Quantity(number) => self.shop.quantity = *number,
        }
        self.shop_says();
    }

    pub(super) fn person(&mut self, number: u8) {
        let parts = self.kind == Kind::Parts;
        let (path, json) =
            if parts { (ADDRESS, address(number)) } else { (NOTE, json!(word(number))) };
        let field = catalogue().find_full(path).expect("a field");
        let values = vec![(At::ROOT, field.id, value(field, &json))];
        let seen = self.state().order.version;
        self.world.act(ORDER, &Folded::Person(PersonAct::Edit { seen, values }));
        self.step(json!({ "person": { "edit": { path: json } } }));
    }

    pub(super) fn restore(&mut self, to: u8) {
        let state = self.state();
        let seen = state.order.version;
        let to = u32::from(to) % seen + 1;
        let then = self.world.at(ORDER, to);
        let puts = restorable(&state, &then, &self.settings.rules());
        self.world.act(ORDER, &Folded::Person(PersonAct::Restore { seen, to, puts }));
        self.step(json!({ "person": { "restore": to } }));
    }

    /// The target's user writes, wherever the target has it, and it tells of that.
    pub(super) fn user(&mut self, of: Said, chosen: Option<u8>) {
        // Of two resources one holds no tier.
        let (path, resource) = match (of, self.kind) {
            (Said::Note, _) => (NOTE, ""),
            (Said::Tier, Kind::Two) => (TIER, "put_person"),
            (Said::Tier, _) => (TIER, ""),
        };
        let is_old = |chosen| self.is_old((&At::ROOT, path), &word(chosen));
        if !self.target.is_there() || chosen.is_some_and(is_old) {
            return;
        }
        self.words += u32::from(chosen.is_none());
        let said = chosen.map_or_else(|| format!("u{}", self.words), word);
        self.target.write(resource, path, json!(said));
        self.show();
        // A word that we sent ourselves may be an echo.
        let was_own = self.own.remove(path).is_some();
        let heard = was_own || self.ordered(path).as_deref() == Some(&*said);
        if chosen.is_none() && heard {
            self.own.insert(path, said);
        }
    }

    /// Whether a word would be an echo of ours, or what the target has shown all along while the order says otherwise:
    /// nobody can tell the target's own from it.
    fn is_old(&self, (at, path): (&At, &str), word: &str) -> bool {
        let field = catalogue().find_full(path).expect("a field").id;
        let is = |value: &Option<Value>| value.as_ref().and_then(Value::as_str) == Some(word);
        let lane = self.lane().expect("the target is known");
        let state = lane.fields.get(at, &Facet::Field(field));
        let order = self.state().order;
        let differs = order.get(at, field).is_none_or(|ordered| !is(&ordered));
        let stated =
            state.and_then(|state| state.stated.as_ref()).is_some_and(|(said, _)| is(said));
        let mut sent = state.into_iter().flat_map(|state| &state.ring);
        sent.any(|(sent, _)| is(sent)) || stated && differs
    }

    /// The target tells what it has.
    pub(super) fn show(&mut self) {
        if !self.target.is_there() {
            return;
        }
        if self.kind != Kind::Parts {
            let [note, tier] = [NOTE, TIER].map(|path| self.target.shows("", path));
            let (system, key) = (self.kind.target(), self.kind.key());
            let says = json!({ NOTE: note, TIER: tier });
            return self
                .say(json!({ "system": system, "key": key, "ref": "shop-1", "says": says }));
        }
        let says = json!({ ADDRESS: self.target.shows("fulfilments[F1]", ADDRESS) });
        self.say(json!({ "system": "wms", "key": "O", "ref": "shop-1", "says": says }));
        for number in 1..=self.parcels {
            self.parcel_says(number);
        }
    }

    pub(super) fn parcel_says(&mut self, number: u8) {
        let resource = format!("shipments[S{number}]");
        let shown = self.target.shows(&resource, &format!("{resource}.tracking_no"));
        let line = json!({ "key": "l", "line": "sku:X", "qty": 1 });
        let mut says = json!({ "status": "planned", "lines": [line] });
        if !shown.is_null() {
            says["tracking_no"] = shown;
        }
        let key = format!("P{number}");
        self.say(json!({ "system": "wms", "entity": "shipment", "key": key, "ref": "shop-1", "says": says }));
    }

    /// A parcel is made for the address that its release has there.
    pub(super) fn parcel(&mut self) {
        if self.kind != Kind::Parts || self.parcels == 3 {
            return;
        }
        self.parcels += 1;
        let has = self.target.shows("fulfilments[F1]", ADDRESS);
        let resource = format!("shipment.tracking_changed/label shipments[S{}]", self.parcels);
        self.target.resources.insert(resource, Held::from([(ADDRESS.to_owned(), has)]));
        self.parcel_says(self.parcels);
    }

    pub(super) fn own(&mut self, part: Part, number: u8) {
        let parcel = |number: u8| number % self.parcels.max(1) + 1;
        match part {
            Part::Reason => {
                let at = "fulfilments[F1]";
                let place = At::parse(at).expect("a place");
                if self.is_old((&place, "fulfilments.reason"), &word(number)) {
                    return;
                }
                self.target.write(at, &format!("{at}.reason"), json!(word(number)));
                let says = json!({ "reason": word(number) });
                self.say(json!({ "system": "wms", "entity": "fulfilment", "key": "wms-F1", "ref": "shop-1-F1", "says": says }));
            }
            Part::Number(of) => {
                let at = format!("shipments[S{}]", parcel(of));
                let path = format!("{at}.tracking_no");
                let place = At::parse(&at).expect("a place");
                if self.is_old((&place, "shipments.tracking_no"), &word(number)) {
                    return;
                }
                self.target.write(&at, &path, json!(word(number)));
                self.parcel_says(parcel(of));
            }
            Part::Label(of) => {
                let (key, to) = (format!("T{}", parcel(of)), format!("shop-1-S{}", parcel(of)));
                let says = json!({ "tracking_no": word(number), "label_url": word(number) });
                self.say(json!({ "system": "tms", "entity": "shipment", "key": key, "ref": to, "says": says }));
            }
        }
    }
}
