//! Connections: where to, as whom, and what the server ends by itself on each.

use std::fmt;
use std::str::FromStr as _;
use std::time::Duration;

use secrecy::ExposeSecret as _;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, PgConnection};
use tokio::time::timeout;

use super::error::Fault;
use super::{Login, Options};
use crate::store::StoreError;

/// A server that does not answer within this is not there.
const CONNECT: Duration = Duration::from_secs(10);

/// What the server does on a connection of its own accord: name and value of its settings.
pub(super) type Bounds = Vec<(&'static str, String)>;

/// Makes connections. What neither URL nor settings say comes from where PostgreSQL's own programs take it:
/// `PGPASSWORD`, `PGSSLMODE` and the like, `~/.pgpass`.
#[derive(Clone)]
pub(super) struct Connector {
    options: PgConnectOptions,
    login: Option<Login>,
}

impl fmt::Debug for Connector {
    /// The options may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Connector").field(&self.place()).finish()
    }
}

impl Connector {
    pub(super) fn new(options: &Options) -> Result<Self, StoreError> {
        // The library's words may repeat the URL.
        let refused = |_| {
            StoreError::Failed(
                "`store.url` cannot be read; write `postgres://user@host:5432/database`".to_owned(),
            )
        };
        let parsed = PgConnectOptions::from_str(&options.url).map_err(refused)?;
        let parsed = parsed.application_name("orderhub").disable_statement_logging();
        Ok(Self { options: parsed, login: options.login.clone() })
    }

    /// A new connection. The password is read anew: it may have been rotated.
    pub(super) async fn connect(&self, bounds: &Bounds) -> Result<PgConnection, Fault> {
        let mut options = self.options.clone().options(bounds.iter().map(|(k, v)| (*k, v)));
        if let Some(login) = &self.login {
            options = options.password(login.secrets.read(&login.password)?.expose_secret());
        }
        let connected = timeout(CONNECT, options.connect()).await;
        Ok(connected.map_err(|_| Fault::Late(CONNECT))??)
    }

    /// Where to, for people: without user and password.
    pub(super) fn place(&self) -> String {
        let database = self.options.get_database().unwrap_or_default();
        format!("{}:{}/{database}", self.options.get_host(), self.options.get_port())
    }
}

/// Everything is looked up by key. A plan that was made while a table was small must not read all of it when
/// it has grown.
pub(super) fn by_key() -> Bounds {
    let off = |name| (name, "off".to_owned());
    vec![off("enable_seqscan"), off("enable_hashjoin"), off("enable_mergejoin")]
}

/// A setting of so many milliseconds.
pub(super) fn ms(name: &'static str, time: Duration) -> (&'static str, String) {
    (name, time.as_millis().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connector_does_not_print_its_password() {
        let options = Options::at("postgres://hub:hunter2@db:5433/orders", "a");
        let shown = format!("{:?}", Connector::new(&options).unwrap());
        assert_eq!(shown, "Connector(\"db:5433/orders\")");
    }
}
