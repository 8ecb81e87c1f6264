//! The systems: do their addresses resolve, are they allowed, does somebody answer, how long is the
//! certificate good. One `HEAD` without credentials is all that leaves.

use jiff::Timestamp;
use x509_parser::parse_x509_certificate;

use super::{Level, Report};
use crate::clock::Clock;
use crate::config::{Config, Mode, System};
use crate::transport::egress::Egress;
use crate::transport::probe::{Probe, probe};

/// A certificate that ends sooner is a warning.
const SOON_DAYS: i64 = 21;

/// Looks at every system that is called.
pub(super) async fn look(config: &Config, report: &mut Report) {
    let called = config.systems.iter().filter(|(_, system)| !system.base_url.is_empty());
    let looks = called.map(|(name, system)| async move {
        let egress = Egress::new(config.egress.allow_private.clone());
        let mut report = Report::default();
        one(name.as_str(), system, egress, &mut report).await;
        report
    });
    // Together: one that does not answer is waited for once.
    for found in futures_util::future::join_all(looks).await {
        report.0.extend(found.0);
    }
}

async fn one(name: &str, system: &System, egress: Egress, report: &mut Report) {
    let base = system.base_url.as_str();
    match probe(egress, base).await {
        Err(Probe::Refused(why)) => {
            let fix = "add the range to `[egress] allow_private`, if that is where the system is";
            report.fix(Level::Problem, "system", format!("`{name}` at {base}: {why}"), fix);
        }
        Err(Probe::Unreachable(why)) if why.contains("certificate") => {
            let fix = "let the system present a certificate for this name by an issuer that this machine trusts, or add \
                       its issuer to the machine's roots";
            report.fix(Level::Problem, "certificate", format!("`{name}` at {base}: {why}"), fix);
        }
        Err(Probe::Unreachable(why)) => {
            let fix = format!(
                "correct `systems.{name}.base_url`, or let the network through; until then deliveries wait"
            );
            let level = if system.mode == Mode::Live { Level::Unreachable } else { Level::Warning };
            report.fix(level, "system", format!("`{name}` at {base}: {why}"), fix);
        }
        Ok(found) => {
            report.fine("system", format!("`{name}` at {base} answers"));
            if base.starts_with("http://") && !found.inner {
                let says =
                    format!("`{name}` is called without TLS: credentials can be read on the way");
                report.fix(Level::Warning, "system", says, "use its https:// address");
            }
            if let Some(certificate) = &found.certificate {
                certificate_of(name, certificate, Clock::system().now(), report);
            }
        }
    }
}

fn certificate_of(name: &str, der: &[u8], now: Timestamp, report: &mut Report) {
    let Ok((_, certificate)) = parse_x509_certificate(der) else {
        let says = format!("the certificate of `{name}` cannot be read");
        return report.add(Level::Note, "certificate", says, None);
    };
    let until = certificate.validity().not_after.timestamp();
    let days = (until - now.as_second()).div_euclid(24 * 3_600);
    let day = Timestamp::from_second(until).map(|at| at.strftime("%Y-%m-%d").to_string());
    let says = format!(
        "the certificate of `{name}` is good for {days} days, until {}",
        day.unwrap_or_default()
    );
    if days < SOON_DAYS {
        let fix = "whoever runs the system must renew it: calls end in errors from then on";
        report.fix(Level::Warning, "certificate", says, fix);
    } else {
        report.fine("certificate", says);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Good for 30,000 days from 29 November 2026 on.
    const CERTIFICATE: &[u8] = include_bytes!("../../tests/data/certificates/long.der");

    #[test]
    fn a_certificate_that_ends_soon_is_a_warning_before_it_ends() {
        for (now, level, words) in [
            ("2026-11-30T00:00:00Z", Level::Fine, "2999"),
            ("2109-01-05T00:00:00Z", Level::Warning, "days, until 2109-01-1"),
            ("2110-01-01T00:00:00Z", Level::Warning, "for -"),
        ] {
            let mut report = Report::default();
            certificate_of("erp", CERTIFICATE, now.parse().unwrap(), &mut report);
            let found = &report.0[0];
            assert_eq!(found.level, level, "{found:?}");
            assert!(found.says.contains(words), "{found:?}");
        }
        let mut report = Report::default();
        certificate_of("erp", b"no certificate", Timestamp::UNIX_EPOCH, &mut report);
        assert_eq!(report.worst(), Level::Note);
    }
}
