//! All twins together on free loopback ports, each telling one hub: what a demonstration and an
//! end-to-end test start.

use std::sync::Arc;
use std::time::Duration;

use crate::account::{Account, Parties, count};
use crate::clock::Clock;
use crate::erp::{self, Erp};
use crate::frame::Frame;
use crate::outbox::{Carrier, Habits, Outbox};
use crate::serve::{Served, serve_anywhere};
use crate::shop::{self, Shop};
use crate::sign::Sign;
use crate::sink::Sink;
use crate::tms::{self, Pace, Tms};
use crate::webhooks::{HubAddress, Sender};
use crate::wms::{self, Manner, Wms};

/// How a world is made.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Where the hub is; may become known later.
    pub hub: HubAddress,
    /// The names of the shops at the hub; all have the same numbers (#1001).
    pub shops: Vec<String>,
    /// The secret that all twins prove themselves with: a world is for trying.
    pub secret: String,
    /// Its clock.
    pub clock: Clock,
    /// How its shops send; the other twins send as untidily, each with its own seed.
    pub habits: Habits,
    /// How its warehouse works.
    pub manner: Manner,
    /// How its carrier works.
    pub pace: Pace,
}

/// The twins of a world and where they listen. They stop listening when it is dropped.
#[derive(Debug)]
pub struct World {
    /// The clock of all.
    pub clock: Clock,
    /// The shops, with where they listen.
    pub shops: Vec<(Shop, Served)>,
    /// The ERP.
    pub erp: (Erp, Served),
    /// The WMS.
    pub wms: (Wms, Served),
    /// The TMS.
    pub tms: (Tms, Served),
    /// The sink.
    pub sink: (Sink, Served),
}

/// What twins tell one hub with.
#[derive(Debug)]
pub(crate) struct Teller {
    pub(crate) sender: Sender,
    pub(crate) clock: Clock,
    pub(crate) habits: Habits,
}

impl Teller {
    /// The frame of a twin that tells the hub; each shuffles by a seed of its own.
    pub(crate) fn frame(&self, name: &str, once: &'static [&'static str], sign: Sign) -> Frame {
        let path = format!("/webhooks/{name}");
        let carrier: Arc<dyn Carrier> = Arc::new(self.sender.to(path, sign));
        let salt =
            name.bytes().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        let habits = Habits { seed: self.habits.seed ^ salt, ..self.habits };
        let outbox = Outbox::start(self.clock.clone(), habits, carrier);
        Frame::new(name, self.clock.clone(), once).telling(outbox)
    }
}

/// A twin cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No free port.
    #[error("a twin cannot listen: {0}")]
    Port(#[from] std::io::Error),
    /// No HTTP client.
    #[error("no HTTP client can be made")]
    Client(#[from] reqwest::Error),
}

impl World {
    /// Starts all twins.
    ///
    /// # Errors
    ///
    /// [`StartError`].
    pub async fn start(setting: &Setting) -> Result<Self, StartError> {
        let clock = setting.clock.clone();
        let teller = Teller {
            sender: Sender::new(setting.hub.clone())?,
            clock: clock.clone(),
            habits: setting.habits,
        };
        let frame = |name: &str, once, sign: Sign| teller.frame(name, once, sign);
        let secret = setting.secret.as_str();
        let mut shops = Vec::with_capacity(setting.shops.len());
        for (name, number) in setting.shops.iter().zip(1..) {
            let shop = Shop::new(frame(name, shop::ONCE, shop::proof(secret)), number);
            let served = serve_anywhere(shop.router()).await?;
            shops.push((shop, served));
        }
        let erp = Erp::new(frame("erp", erp::ONCE, erp::proof(secret)));
        let wms = Wms::new(frame("wms", wms::ONCE, wms::proof(secret)), setting.manner);
        let tms = Tms::new(frame("tms", tms::ONCE, tms::proof(secret)), setting.pace);
        let sink = Sink::new("sink", clock.clone());
        let served = (
            serve_anywhere(erp.router()).await?,
            serve_anywhere(wms.router()).await?,
            serve_anywhere(tms.router()).await?,
            serve_anywhere(sink.router()).await?,
        );
        Ok(Self {
            clock,
            shops,
            erp: (erp, served.0),
            wms: (wms, served.1),
            tms: (tms, served.2),
            sink: (sink, served.3),
        })
    }

    /// (system name, base URL) of every twin.
    pub fn addresses(&self) -> Vec<(String, String)> {
        let shops = self.shops.iter().map(|(shop, served)| (&shop.frame, served));
        let others = [
            (&self.erp.0.frame, &self.erp.1),
            (&self.wms.0.frame, &self.wms.1),
            (&self.tms.0.frame, &self.tms.1),
            (&self.sink.0.frame, &self.sink.1),
        ];
        shops.chain(others).map(|(frame, served)| (frame.name.to_string(), served.url())).collect()
    }

    /// The account over all twins.
    pub fn account(&self) -> Account {
        let shops: Vec<Shop> = self.shops.iter().map(|(shop, _)| shop.clone()).collect();
        count(Parties {
            shops: &shops,
            erp: &self.erp.0,
            wms: &self.wms.0,
            tms: &self.tms.0,
            sink: Some(&self.sink.0),
        })
    }

    /// Whether no twin has anything left to tell.
    pub fn is_quiet(&self) -> bool {
        let shops = self.shops.iter().map(|(shop, _)| &shop.frame);
        let others = [&self.erp.0.frame, &self.wms.0.frame, &self.tms.0.frame];
        shops.chain(others).all(|frame| frame.outbox.as_ref().is_none_or(Outbox::is_quiet))
    }

    /// Waits until everything balances and is quiet; at most so long (our time). Gives the last account.
    pub async fn settled(&self, at_most: Duration) -> Account {
        let until = tokio::time::Instant::now() + at_most;
        loop {
            let account = self.account();
            let quiet = self.is_quiet();
            if (quiet && account.lost() == 0) || tokio::time::Instant::now() >= until {
                return account;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhooks::client;

    #[tokio::test]
    async fn every_twin_of_a_world_shows_its_ledger_and_its_clock_at_an_address_of_its_own() {
        let clock = Clock::started_before(3600.0, Duration::ZERO);
        let setting = Setting {
            hub: HubAddress::default(),
            shops: vec!["shop_eu".to_owned(), "shop_us".to_owned()],
            secret: "hush".to_owned(),
            clock,
            habits: Habits::untidy(1),
            manner: Manner::default(),
            pace: Pace::default(),
        };
        let world = World::start(&setting).await.unwrap();
        let client = client().unwrap();
        let addresses = world.addresses();
        assert_eq!(addresses.len(), 6);
        for (name, url) in addresses {
            let answer = client.get(format!("{url}/_twin/ledger?limit=0")).send().await.unwrap();
            let page: serde_json::Value = answer.json().await.unwrap();
            assert_eq!(page["twin"], name);
            assert_eq!(page["clock"]["speed"], 3600.0);
        }
        assert!(world.is_quiet() && world.account().balances());
    }
}
