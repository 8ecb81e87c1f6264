//! One twin by itself, as a process runs it: `orderhub twin`.
//!
//! It proves itself with a secret of its own, tells the hub where that listens, and can be told to say
//! something now: `POST /_twin/emit`.

use std::str::FromStr;
use std::time::Duration;

use tokio::net::TcpListener;

use crate::amazon::{self, Amazon};
use crate::clock::Clock;
use crate::erp::{self, Erp};
use crate::faults::{Acts, Fault, Rule};
use crate::frame::Frame;
use crate::outbox::Habits;
use crate::serve::{Served, serve};
use crate::shop::{self, Plan, Shop};
use crate::sink::Sink;
use crate::tms::{self, Pace, Tms};
use crate::webhooks::{HubAddress, Sender};
use crate::wms::{self, Manner, Wms};
use crate::world::{StartError, Teller};

/// What a twin is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A shop.
    Shop,
    /// A seller's account at Amazon: asked, it tells nobody.
    Amazon,
    /// An ERP.
    Erp,
    /// A warehouse.
    Wms,
    /// A carrier system.
    Tms,
    /// Takes every changed order, and tells nobody.
    Sink,
}

/// How one twin is made.
#[derive(Clone, Debug)]
pub struct Single {
    /// What it is.
    pub kind: Kind,
    /// Its name at the hub.
    pub name: String,
    /// Where the hub is.
    pub hub: String,
    /// What it proves itself with; a sink proves nothing.
    pub secret: String,
    /// Its clock.
    pub clock: Clock,
    /// How it sends.
    pub habits: Habits,
    /// What goes wrong, from the start.
    pub faults: Vec<Rule>,
    /// Orders that come into a shop by themselves.
    pub orders: u64,
    /// The number of a shop's first order; another one after a restart, for the hub remembers.
    pub first_number: u64,
}

impl Single {
    /// Serves it on a listener.
    ///
    /// # Errors
    ///
    /// [`StartError`].
    pub fn start(self, listener: TcpListener) -> Result<Served, StartError> {
        let sender = Sender::new(HubAddress::known(self.hub))?;
        let teller = Teller { sender, clock: self.clock.clone(), habits: self.habits };
        let (name, secret) = (self.name.as_str(), self.secret.as_str());
        let (frame, router) = match self.kind {
            Kind::Shop => {
                let frame = teller.frame(name, shop::ONCE, shop::proof(secret));
                let shop = Shop::starting_at(frame, self.first_number, self.orders);
                live(&shop, self.orders, self.first_number);
                (shop.frame.clone(), shop.router())
            }
            Kind::Amazon => {
                let amazon = Amazon::new(Frame::new(name, self.clock, amazon::ONCE));
                let amazon = if secret.is_empty() { amazon } else { amazon.signed_with(secret) };
                if self.orders > 0 {
                    let (amazon, orders, first) = (amazon.clone(), self.orders, self.first_number);
                    tokio::spawn(async move { amazon.live(orders, first).await });
                }
                (amazon.frame.clone(), amazon.router())
            }
            Kind::Erp => {
                let erp = Erp::new(teller.frame(name, erp::ONCE, erp::proof(secret)));
                (erp.frame.clone(), erp.router())
            }
            Kind::Wms => {
                let frame = teller.frame(name, wms::ONCE, wms::proof(secret));
                let wms = Wms::new(frame, Manner::default());
                (wms.frame.clone(), wms.router())
            }
            Kind::Tms => {
                let frame = teller.frame(name, tms::ONCE, tms::proof(secret));
                let tms = Tms::new(frame, Pace::default());
                (tms.frame.clone(), tms.router())
            }
            Kind::Sink => {
                let sink = Sink::new(name, self.clock);
                (sink.frame.clone(), sink.router())
            }
        };
        frame.faults.set(self.faults);
        Ok(serve(listener, router)?)
    }
}

/// Lets orders come in, a minute of twin time apart.
fn live(shop: &Shop, orders: u64, first_number: u64) {
    if orders > 0 {
        let shop = shop.clone();
        let plan = Plan { orders, first_number, ..Plan::default() };
        tokio::spawn(async move { shop.live(plan).await });
    }
}

/// What goes wrong, by a name: the failures that integrations meet most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing.
    None,
    /// A gateway answers 504; nothing happens behind it.
    Gateway,
    /// A gateway answers 504, and what was asked for happens all the same.
    GatewayActs,
    /// 429 with `Retry-After: 2`.
    Throttled,
    /// Answers come five real seconds late at the default speed.
    Slow,
    /// No answer.
    Hang,
    /// The connection closes after the effect, without an answer.
    Close,
    /// Credentials are refused.
    Unauthorized,
}

impl Trouble {
    /// Every name with what it stands for.
    pub const ALL: [(&'static str, Trouble); 8] = [
        ("none", Trouble::None),
        ("504", Trouble::Gateway),
        ("504-acts", Trouble::GatewayActs),
        ("429", Trouble::Throttled),
        ("slow", Trouble::Slow),
        ("hang", Trouble::Hang),
        ("close", Trouble::Close),
        ("401", Trouble::Unauthorized),
    ];

    /// As a script for every request.
    pub fn rules(self) -> Vec<Rule> {
        /// Twin time: five seconds of ours at speed 60.
        const LATE: Duration = Duration::from_secs(300);
        let late = u64::try_from(LATE.as_millis()).unwrap_or(u64::MAX);
        let rule = match self {
            Trouble::None => return Vec::new(),
            Trouble::Gateway => Rule::all(Fault::Status(504)),
            Trouble::GatewayActs => Rule::all(Fault::Status(504)).acting(Acts::Before),
            Trouble::Throttled => Rule::all(Fault::Throttled { retry_after_s: 2 }),
            Trouble::Slow => Rule::all(Fault::SlowMs(late)),
            Trouble::Hang => Rule::all(Fault::Hang),
            Trouble::Close => Rule::all(Fault::Close).acting(Acts::Before),
            Trouble::Unauthorized => Rule::all(Fault::Status(401)),
        };
        vec![rule]
    }
}

impl FromStr for Trouble {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|(name, _)| *name == word);
        known.map(|(_, trouble)| trouble).ok_or_else(|| {
            let names = Self::ALL.map(|(name, _)| name).join(", ");
            format!("`{word}` is no fault that a twin knows; one of {names}")
        })
    }
}
