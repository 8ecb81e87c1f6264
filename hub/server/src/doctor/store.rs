//! The store: reachable, its schema, its clock, its room, who else works on it.

use std::path::Path;
use std::time::Duration;

use super::machine::{room, size};
use super::{Level, Report, kept, rest};
use crate::config::{Config, Secrets, StoreUrl};
use crate::store::{postgres, sqlite};

/// Less free room than this is a warning: a busy day fits in.
const ROOM: u64 = 2 << 30;
/// Less than this is a problem: the next commits may not fit.
const NO_ROOM: u64 = 128 << 20;
/// Clocks may differ by so much: leases and due times are kept in seconds.
const SKEW: Duration = Duration::from_secs(2);
/// The oldest server that is supported, as it numbers itself.
const OLDEST: i32 = 150_000;
/// Connections that one hub may take.
const CONNECTIONS: i64 = 24;

/// Looks at the store; answers how many hubs work on it now.
pub(super) async fn look(config: &Config, secrets: &Secrets, report: &mut Report) -> Option<u64> {
    match &config.store.url {
        StoreUrl::Sqlite(path) => {
            let path = path.clone();
            let looking = tokio::task::spawn_blocking(move || (sqlite::look(&path), path));
            let Ok((found, path)) = looking.await else { return None };
            if let Ok(look) = &found {
                kept::file(look, report);
                rest::look(&look.rests, &look.waits, report);
                rest::gone(&look.listened, config, report);
            }
            Some(file(&found, &path, report))
        }
        StoreUrl::Postgres(url) => {
            let login = config.store.password.clone();
            let login =
                login.map(|password| postgres::Login { password, secrets: secrets.clone() });
            match postgres::look(url.as_str(), login.clone()).await {
                Ok(found) => {
                    let running = server(&found, report);
                    rest::look(&found.rests, &found.waits, report);
                    rest::gone(&found.listened, config, report);
                    kept::database(url, login, &config.store, running, report).await;
                    Some(running)
                }
                Err(error) => {
                    let fix = "start PostgreSQL there, or correct `store.url` and `store.password`";
                    report.fix(Level::Unreachable, "store", error.to_string(), fix);
                    None
                }
            }
        }
    }
}

fn file(found: &Result<sqlite::Look, String>, path: &Path, report: &mut Report) -> u64 {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let shown = path.display();
    let running = match found {
        Ok(look) => {
            match look.schema {
                None if !folder.is_dir() => {
                    let fix = format!("make the folder: `mkdir -p {}`", folder.display());
                    report.fix(Level::Problem, "store", format!("`{shown}` cannot be made"), fix);
                }
                None => report.fine("store", format!("`{shown}` is made at the first start")),
                Some(version) => schema(version, look.known, &shown.to_string(), report),
            }
            if let Some(copied) = &look.copied {
                let fix = "name that database in `store.url`";
                report.fix(Level::Problem, "store", copied.clone(), fix);
            }
            if look.in_use {
                report.add(Level::Note, "processes", format!("a hub runs on `{shown}`"), None);
            }
            u64::from(look.in_use)
        }
        Err(why) => {
            let fix = "let this user read it, or name another file in `store.url`";
            report.fix(Level::Problem, "store", format!("`{shown}`: {why}"), fix);
            0
        }
    };
    disk(folder, report);
    running
}

fn disk(folder: &Path, report: &mut Report) {
    let Some(free) = room(folder) else { return };
    let says = format!("{} are free where the store lies", size(free));
    let fix = "make room: a full disk stops intake until there is some";
    match free {
        0..NO_ROOM => report.fix(Level::Problem, "disk", says, fix),
        NO_ROOM..ROOM => report.fix(Level::Warning, "disk", says, fix),
        ROOM.. => report.fine("disk", says),
    }
}

fn schema(found: i64, known: i64, place: &str, report: &mut Report) {
    if found > known {
        let says = format!("`{place}` has schema {found}, this program knows {known}");
        report.fix(Level::Problem, "schema", says, "run the newer program");
    } else if found == 0 {
        report.fine("schema", format!("`{place}` has no tables yet; the first start makes them"));
    } else if found < known {
        let says = format!("`{place}` has schema {found}; the next start brings it to {known}");
        report.add(Level::Note, "schema", says, None);
    } else {
        report.fine("schema", format!("`{place}` has schema {found}"));
    }
}

fn server(found: &postgres::Look, report: &mut Report) -> u64 {
    let place = &found.place;
    report.fine("store", format!("PostgreSQL {} answers at {place}", found.version));
    if found.number < OLDEST {
        let says = format!("PostgreSQL {} is older than 15", found.version);
        report.fix(Level::Problem, "store", says, "use PostgreSQL 15 or newer");
    }
    if found.encoding != "UTF8" {
        let says = format!("the database is encoded in {}", found.encoding);
        report.fix(Level::Problem, "store", says, "make one with `ENCODING 'UTF8'`");
    }
    if let Some(from) = &found.unfinished {
        let says =
            format!("the copy of `{from}` into {place} is not finished: no hub starts on it");
        let fix = "repeat `orderhub store copy`, which begins it anew";
        report.fix(Level::Problem, "store", says, fix);
    }
    if !found.may_create {
        let says = "this user may not make tables in its schema";
        let fix = "`GRANT CREATE ON SCHEMA public TO <user>`, or make the user own the database";
        let level = if found.schema < found.known { Level::Problem } else { Level::Warning };
        report.fix(level, "store", says, fix);
    }
    schema(found.schema, found.known, place, report);
    let skew = found.skew_ms.unsigned_abs();
    let says = format!("this machine's clock and the database's differ by {skew} ms");
    if u128::from(skew) > SKEW.as_millis() {
        let fix = "let both machines keep their time by NTP: leases and due times go by it";
        report.fix(Level::Warning, "clock", says, fix);
    } else {
        report.fine("clock", says);
    }
    if found.connections_left < CONNECTIONS {
        let says = format!("{} more connections are free there", found.connections_left);
        let fix = format!("raise `max_connections`: a hub takes up to {CONNECTIONS}");
        report.fix(Level::Warning, "store", says, fix);
    }
    let running = found.processes.len();
    if running > 0 {
        let names = found.processes.join(", ");
        report.add(
            Level::Note,
            "processes",
            format!("{running} hubs work on it now: {names}"),
            None,
        );
    }
    if !found.older.is_empty() {
        let says = format!(
            "{} of an earlier program: until the last of them has ended, `orderhub order resend` is refused, and files that \
             lack an entry of `deliver:` are not switched to",
            found.older.join(", ")
        );
        report.fix(Level::Warning, "upgrade", says, "go on with the upgrade: docs/upgrade.md");
    }
    u64::try_from(running).unwrap_or(u64::MAX)
}
