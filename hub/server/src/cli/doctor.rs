//! `orderhub doctor`: what is wrong and what to do, before and while the hub runs; a copy queue to try on.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;

use clap::Subcommand;
use orderhub_order::ids::SystemName;
use reqwest::Method;
use serde_json::{Value, json};

use super::output::{self, Code, Fault, Output, counted};
use super::remote::call;
use super::{ANYWHERE, Settings, Shared, serve};
use crate::config::Secrets;
use crate::doctor::shadow::{Copy, NotMade};
use crate::doctor::{Finding, Known, Level, Report, examine};

#[derive(Clone, Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Doctor {
    #[command(subcommand)]
    about: Option<About>,
    #[command(flatten)]
    settings: Settings,
    /// End with 1 for warnings, too.
    #[arg(long)]
    deny_warnings: bool,
}

#[derive(Clone, Debug, Subcommand)]
enum About {
    /// A copy of each queue on the same exchange, to try beside today's reader.
    Bus(Bus),
}

#[derive(Clone, Debug, clap::Args)]
struct Bus {
    #[command(flatten)]
    settings: Settings,
    /// Print how a copy is made.
    #[arg(long, required = true)]
    shadow: bool,
    /// Make it.
    #[arg(long)]
    declare: bool,
    /// The exchange that feeds the queue.
    #[arg(long, default_value = "", value_name = "NAME")]
    exchange: String,
    /// A routing key under which it does; may be given for several. Without: the queue's name.
    #[arg(long = "routing-key", value_name = "KEY")]
    routing_keys: Vec<String>,
    /// Only this one of `[bus.consume.<name>]`.
    #[arg(long, value_name = "NAME")]
    reader: Option<String>,
    /// Minutes until a message that nobody took is dropped.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(i64).range(1..=43_200))]
    ttl_minutes: i64,
    /// Messages that it holds; the oldest are dropped beyond.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(i64).range(1..=10_000_000))]
    max_length: i64,
}

/// Runs what was asked for.
pub(super) fn run(shared: &Shared, doctor: &Doctor) -> Result<ExitCode, Fault> {
    match &doctor.about {
        Some(About::Bus(bus)) => copies(shared, bus),
        None => look(shared, doctor),
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Fault> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Fault::new(Code::Problems, error.to_string()))
}

fn look(shared: &Shared, doctor: &Doctor) -> Result<ExitCode, Fault> {
    let file = &doctor.settings.config;
    let (mut report, known) = runtime()?.block_on(examine(file, serve::environment()));
    if let Some(known) = &known {
        let asked = of_settings(shared, known);
        report.0.extend(in_use(&asked, known));
        report.0.extend(running(&asked, known));
    }
    match shared.output {
        Output::Table => output::print(&text(&report)),
        Output::Json => output::document(&json!(report.0), shared.output),
        Output::Jsonl | Output::Name => {
            let rows: Vec<Value> = report.0.iter().map(|finding| json!(finding)).collect();
            output::rows(&rows, &[("check", "/check")], shared.output);
        }
    }
    let count = |wanted: &str| report.0.iter().filter(|f| f.level.as_str() == wanted).count();
    let (errors, warnings) = (count("error"), count("warning"));
    let looked = counted(report.0.len(), "thing");
    let (errors, warnings) = (counted(errors, "error"), counted(warnings, "warning"));
    output::say(&format!("looked at {looked}: {errors}, {warnings}"));
    Ok(match report.worst() {
        Level::Settings => ExitCode::from(Code::Settings.number()),
        Level::Unreachable => ExitCode::from(Code::Unreachable.number()),
        Level::Problem => ExitCode::from(Code::Problems.number()),
        Level::Warning if doctor.deny_warnings => ExitCode::from(Code::Problems.number()),
        Level::Warning | Level::Note | Level::Fine => ExitCode::SUCCESS,
    })
}

/// Who is asked: the hub that was named, else the one that the settings are of.
fn of_settings(shared: &Shared, known: &Known) -> Shared {
    let mut asked = shared.clone();
    if asked.url == ANYWHERE {
        let mut listen = known.config.server.listen;
        if listen.ip().is_unspecified() {
            // It listens everywhere, on this machine, too.
            listen.set_ip(match listen {
                SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        asked.url = format!("http://{listen}");
    }
    asked
}

/// Whether a hub that runs uses the files that the settings name; who does not answer is told of elsewhere.
fn in_use(shared: &Shared, known: &Known) -> Option<Finding> {
    let said = call(shared, Method::GET, &["bundle"], &[]).ok()?;
    let text = |pointer| said.pointer(pointer).and_then(Value::as_str);
    let hash = text("/hash")?;
    let path = known.config.mappings.path.display();
    let own = known.bundle.as_ref().map(|bundle| &*bundle.hash);
    let (level, says, fix) = if let Some(why) = text("/refused/why") {
        let says = format!("the hub refused other files and goes on with `{hash}`: {why}");
        (
            Level::Problem,
            says,
            Some("its log and `GET /api/v1/bundle` name every mistake; mend the files"),
        )
    } else if own.is_some_and(|own| own != hash) {
        let says = format!("the hub uses the files `{hash}`, and not those in `{path}`");
        let fix = if known.config.mappings.reload {
            "another hub on its store has other files: give all the same"
        } else {
            "restart it, or set `mappings.reload`"
        };
        (Level::Warning, says, Some(fix))
    } else {
        (Level::Fine, format!("the hub uses the files `{hash}`"), None)
    };
    Some(Finding { level, check: "bundle", says, fix: fix.map(str::to_owned) })
}

/// What a hub that runs knows of its systems: whether credentials are taken, and a harmless read of each.
fn running(shared: &Shared, known: &Known) -> Vec<Finding> {
    let of = |level, check, says: String, fix: Option<&str>| Finding {
        level,
        check,
        says,
        fix: fix.map(str::to_owned),
    };
    let page = match call(shared, Method::GET, &["systems"], &[]) {
        Ok(page) => page,
        Err(fault) => {
            let says = format!("credentials were not tried: {}", fault.message);
            return vec![of(Level::Note, "credential", says, fault.hint.as_deref())];
        }
    };
    let items = page.get("items").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let mut found = Vec::new();
    for item in items {
        let name = item.get("system").and_then(Value::as_str).unwrap_or_default();
        found.extend(breakers(name, item, &|operation| is_called(known, name, operation)));
        let credential = item.get("credential").and_then(Value::as_str).unwrap_or("ok");
        if credential == "refused" {
            let says = refused(name, item);
            let fix =
                "renew it where the settings name it; the hub sees the new one within five minutes";
            found.push(of(Level::Problem, "credential", says, Some(fix)));
            continue;
        }
        let Some(read) = harmless(known, name) else { continue };
        found.push(match call(shared, Method::GET, &["systems", name, "reads", read], &[]) {
            Ok(_) => {
                of(Level::Fine, "credential", format!("`{name}` answers the read `{read}`"), None)
            }
            Err(fault) => {
                let says = format!("`{name}` does not answer the read `{read}`: {}", fault.message);
                let fix = "`orderhub system show` tells its last error";
                of(Level::Warning, "credential", says, Some(fix))
            }
        });
    }
    found
}

/// That a credential is refused, and for which operations where others are made with another.
fn refused(name: &str, item: &Value) -> String {
    let operations = item.get("refused_for").and_then(Value::as_array).into_iter().flatten();
    let operations: Vec<&str> = operations.filter_map(Value::as_str).collect();
    match operations.as_slice() {
        [] => format!("`{name}` refuses our credential"),
        some => format!("`{name}` refuses our credential of `{}`", some.join("`, `")),
    }
}

/// Whether the files call an operation; of those that cannot be used nobody knows.
fn is_called(known: &Known, system: &str, operation: &str) -> bool {
    let (bundle, system) = (known.bundle.as_ref(), SystemName::new(system));
    bundle.is_none_or(|bundle| bundle.calls(&system, operation))
}

/// Operations of a system that are not called now. A breaker is tried by who has something to call: by nobody where the
/// files do not call its operation.
fn breakers(name: &str, item: &Value, is_called: &dyn Fn(&str) -> bool) -> Vec<Finding> {
    let all = item.get("breakers").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let text = |of: &Value, pointer| of.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let shut = |breaker: &Value| {
        let (operation, state) = (text(breaker, "/operation")?, text(breaker, "/state")?);
        let since = text(breaker, "/since").map(|at| format!(" since {at}")).unwrap_or_default();
        let closes = format!("`orderhub system breaker {name} {operation} close --reason …`");
        let (level, says, fix) = match state.as_str() {
            "Closed" => return None,
            _ if text(breaker, "/forced").is_some() => {
                let says =
                    format!("`{name}`: a person holds the breaker of `{operation}` open{since}");
                (Level::Note, says, format!("{closes} lets it go on"))
            }
            _ => {
                let last =
                    text(item, "/last_error/why").map(|why| format!("; it said last: {why}"));
                let last = last.unwrap_or_default();
                let says = format!("`{name}`: the breaker of `{operation}` is open{since}{last}");
                if !is_called(&operation) {
                    let says = format!(
                        "{says}; nothing is to be done: the integration files do not call it any more, so nothing new tries it"
                    );
                    return Some(Finding { level: Level::Note, check: "breaker", says, fix: None });
                }
                let fix = format!(
                    "what waits for it tries it, or else its next call does, and it closes once `{name}` answers; \
                     {closes} lets calls pass at once"
                );
                (Level::Warning, says, fix)
            }
        };
        Some(Finding { level, check: "breaker", says, fix: Some(fix) })
    };
    all.iter().filter_map(shut).collect()
}

/// A read that asks for nothing in particular.
fn harmless<'a>(known: &'a Known, system: &str) -> Option<&'a str> {
    let system = known.bundle.as_ref()?.systems().find(|known| known.name.as_str() == system)?;
    system.reads().find(|(_, read)| read.args.is_empty()).map(|(name, _)| name)
}

fn text(report: &Report) -> String {
    let mut lines = Vec::new();
    for finding in &report.0 {
        let (level, check) = (finding.level.as_str(), finding.check);
        lines.push(format!("{level:<8} {check:<12} {}", finding.says));
        if let Some(fix) = &finding.fix {
            lines.push(format!("{:<8} {:<12} fix: {fix}", "", ""));
        }
    }
    lines.join("\n")
}

fn copies(shared: &Shared, asked: &Bus) -> Result<ExitCode, Fault> {
    let config = serve::load(&asked.settings.config)?.config;
    let bus = config.bus.ok_or_else(|| {
        Fault::new(Code::Settings, "the settings name no broker").hint("add `[bus]` with its `url`")
    })?;
    let wanted = |name: &str| asked.reader.as_ref().is_none_or(|reader| reader == name);
    let readers = bus.consume.iter().filter(|(name, _)| wanted(name));
    let copies: Vec<Copy> = readers
        .map(|(_, consume)| Copy {
            of: consume.queue.clone(),
            exchange: asked.exchange.clone(),
            routing_keys: asked.routing_keys.clone(),
            ttl_ms: asked.ttl_minutes * 60_000,
            max_length: asked.max_length,
        })
        .collect();
    let Some(first) = copies.first() else {
        return Err(Fault::new(Code::Usage, "no reader of the settings is meant")
            .hint("name one of `[bus.consume.<name>]` with `--reader`"));
    };
    if asked.exchange.is_empty() {
        return Err(Fault::new(Code::Usage, NotMade::Default(first.of.clone()).to_string())
            .hint("`rabbitmqctl list_bindings` names it; give it with `--exchange`"));
    }
    let secrets = Secrets::new(serve::environment());
    let runtime = runtime()?;
    for copy in &copies {
        if asked.declare {
            runtime.block_on(copy.make(&bus, &secrets)).map_err(not_made)?;
        }
        let queue = copy.queue();
        match shared.output {
            Output::Json | Output::Jsonl => {
                let shown = json!({
                    "of": copy.of, "queue": queue, "made": asked.declare, "commands": copy.commands(),
                });
                output::document(&shown, shared.output);
            }
            Output::Name => output::print(&queue),
            Output::Table => output::print(&copy.commands().join("\n")),
        }
        let state = if asked.declare {
            "is made"
        } else {
            "is not made yet: run these, or add `--declare`"
        };
        output::say(&format!("the copy `{queue}` {state}"));
    }
    output::say(
        "read it with `queue = \"<copy>\"` in `[bus.consume.<name>]`, and every system in `mode = \"shadow\"`",
    );
    Ok(ExitCode::SUCCESS)
}

fn not_made(error: NotMade) -> Fault {
    let code = match &error {
        NotMade::Unreachable(_) => Code::Unreachable,
        NotMade::Default(_) => Code::Usage,
        NotMade::NoExchange(_) => Code::NotFound,
        NotMade::Refused(_) => Code::Problems,
    };
    let fault = Fault::new(code, error.to_string());
    match error {
        NotMade::Refused(_) => fault.hint(
            "the user needs `configure` and `write` on the copy and `read` on the exchange, or a copy of another shape \
             is there: delete that",
        ),
        NotMade::Unreachable(_) | NotMade::Default(_) | NotMade::NoExchange(_) => fault,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::is_command;

    #[test]
    fn a_breaker_that_is_open_is_told_with_what_to_do() {
        let item = json!({
            "breakers": [
                { "operation": "put_order", "state": "Closed", "forced": null, "since": null },
                { "operation": "get_product", "state": "HalfOpen", "forced": null, "since": "2026-11-30T01:00:00Z" },
                { "operation": "get_stock", "state": "Open", "forced": "Open", "since": null },
                { "operation": "put_note", "state": "Open", "forced": null, "since": null },
            ],
            "last_error": { "why": "status 503" },
        });
        let found = breakers("till", &item, &|operation| operation != "put_note");
        let says: Vec<(&str, &str)> =
            found.iter().map(|finding| (finding.level.as_str(), finding.says.as_str())).collect();
        assert_eq!(
            says,
            [
                (
                    "warning",
                    "`till`: the breaker of `get_product` is open since 2026-11-30T01:00:00Z; it said last: status 503"
                ),
                ("note", "`till`: a person holds the breaker of `get_stock` open"),
                (
                    "note",
                    "`till`: the breaker of `put_note` is open; it said last: status 503; nothing is to be done: the \
                     integration files do not call it any more, so nothing new tries it"
                ),
            ]
        );
        assert_eq!(found[2].fix, None);
        for finding in &found[..2] {
            let fix = finding.fix.as_deref().unwrap();
            let command = fix.split('`').find(|word| word.starts_with("orderhub ")).unwrap();
            assert!(is_command(command), "{command}");
        }
    }
}
