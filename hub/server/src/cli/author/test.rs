//! `orderhub test`: the files' own cases, what they touch, and what they would not notice.

mod junit;
mod update;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use orderhub_lang::diagnostic::{self, Diagnostic};
use orderhub_mapping::cases::{Case, CaseResult, run_cases, silent};
use orderhub_mapping::coverage::{Coverage, Part, coverage};
use orderhub_mapping::mutate::{Mutated, mutate};
use orderhub_mapping::{Direction, Mapping};
use serde_json::{Value as Json, json};

use super::names::Names;
use super::{Files, Loaded, load, mapping, roots, selected, whole};
use crate::cli::output::{self, Code, Fault, Output, counted, say};

/// Which cases, and what is told of them.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  orderhub test mappings/shopify --coverage
  orderhub test --filter cancelled --update          # look at the difference before you keep it
  orderhub test --junit cases.xml

Exit codes: 0 every case holds; 1 some do not, files have errors, or --mutate found a change that none notices;
2 usage, or no case matched.")]
pub(in crate::cli) struct Test {
    #[command(flatten)]
    files: Files,
    /// Only cases whose reason, mapping or place has this text in it.
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Write what the cases give over what they expect, where a document could be mapped.
    #[arg(long)]
    update: bool,
    /// Which rules, paths, conditions and rows of tables no case touches.
    #[arg(long)]
    coverage: bool,
    /// Try changes of each mapping (a rule gone, two rows of a table swapped, …) and name those that no case notices.
    #[arg(long)]
    mutate: bool,
    /// Write the results as JUnit XML, too.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

/// The folder of what all integrations share, below the mappings folder.
const COMMON: &str = "common";

/// The cases of one mapping.
pub(super) struct Ran {
    pub(super) mapping: Arc<Mapping>,
    /// Its path, as it was asked for.
    file: String,
    /// The integration's folder.
    pub(super) folder: PathBuf,
    /// The cases of all mappings there.
    cases: Arc<[Case]>,
    /// What each case that was asked for gave.
    pub(super) results: Vec<(Case, CaseResult)>,
    coverage: Option<Coverage>,
    mutated: Option<Mutated>,
    /// What stands at its head and no case shows.
    silent: Vec<Diagnostic>,
}

/// A folder whose mappings have cases.
struct Place {
    folder: PathBuf,
    cases: Arc<[Case]>,
}

/// Runs the cases that mapping files carry.
pub(in crate::cli) fn test(asked: &Test, output: Output) -> Result<ExitCode, Fault> {
    let mut all = ran(asked, output).map_err(Fault::found)?;
    let refused = if asked.update { updated(asked, &mut all, output)? } else { 0 };
    let results: Vec<&CaseResult> =
        all.iter().flat_map(|ran| &ran.results).map(|(_, r)| r).collect();
    if results.is_empty() {
        let fault = Fault::new(Code::Usage, "no cases in these files");
        return Err(match &asked.filter {
            None => fault.hint("write `cases:` at the end of a mapping"),
            Some(filter) => {
                fault.hint(format!("`--filter {filter}` fits no reason, mapping or place"))
            }
        });
    }
    if let Some(file) = &asked.junit {
        junit::write(file, &all)?;
    }
    tell(&all, &results, output);
    let silent: Vec<Diagnostic> = all.iter().flat_map(|ran| ran.silent.iter().cloned()).collect();
    if !silent.is_empty() {
        say(diagnostic::render(&silent).trim_end());
    }
    let failed = results.iter().filter(|result| !result.failures.is_empty()).count();
    let survivors = all.iter().filter_map(|ran| ran.mutated.as_ref());
    let survivors: usize = survivors.map(|mutated| mutated.survivors.len()).sum();
    let untried = all.iter().filter(|ran| ran.mutated.is_none() && !ran.results.is_empty());
    let untried = if asked.mutate { untried.count() } else { 0 };
    let more = match untried {
        0 => String::new(),
        _ => format!("; no change of {} tried: a case fails there", counted(untried, "mapping")),
    };
    say(&format!("{}{more}", summary(&all, results.len(), failed)));
    let good = failed == 0 && refused == 0 && survivors == 0;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::from(Code::Problems.number()) })
}

/// Rounds of updating: what one case expects may be what the next goes out from.
const MOST_ROUNDS: usize = 4;

/// Updates until nothing is written any more; how many expectations were refused.
fn updated(asked: &Test, all: &mut Vec<Ran>, output: Output) -> Result<usize, Fault> {
    let (mut written, mut refused) = (0, Vec::new());
    for _ in 0..MOST_ROUNDS {
        let done = update::update(all)?;
        (written, refused) = (written + done.written, done.refused);
        if done.written == 0 {
            break;
        }
        *all = ran(asked, output)?;
    }
    refused.iter().for_each(|line| say(line));
    say(&format!("{} written, {} refused", counted(written, "expectation"), refused.len()));
    Ok(refused.len())
}

fn summary(all: &[Ran], cases: usize, failed: usize) -> String {
    let mut text = format!("{}, {failed} failed", counted(cases, "case"));
    let counts: Vec<(usize, usize)> =
        all.iter().filter_map(|ran| ran.coverage.as_ref()).map(Coverage::count).collect();
    if !counts.is_empty() {
        let parts = counts.iter().map(|(parts, _)| parts).sum();
        let touched = counts.iter().map(|(_, touched)| touched).sum();
        text.push_str(&format!("; {} of the rules' {parts} parts touched", share(touched, parts)));
    }
    let tried: Vec<&Mutated> = all.iter().filter_map(|ran| ran.mutated.as_ref()).collect();
    if !tried.is_empty() {
        let changes: usize = tried.iter().map(|mutated| mutated.tried).sum();
        let unnoticed: usize = tried.iter().map(|mutated| mutated.survivors.len()).sum();
        text.push_str(&format!("; {changes} changes tried, {unnoticed} unnoticed"));
    }
    text
}

/// A share in whole percent, rounded down: 100 % is all.
fn share(touched: usize, parts: usize) -> String {
    format!("{} %", (touched * 100).checked_div(parts).unwrap_or(100))
}

fn ran(asked: &Test, output: Output) -> Result<Vec<Ran>, Fault> {
    let mut all = Vec::new();
    for (root, below) in roots(&asked.files)? {
        if root.is_file() {
            let one = mapping::given::mapping(&root, output)?;
            let folder = root.parent().map(Path::to_owned).unwrap_or_default();
            let sample = |sample: &str| mapping::given::file(&folder.join(sample)).ok();
            let ways = [Direction::In, Direction::Out];
            let place = Place { folder: folder.clone(), cases: one.mapping.cases().into() };
            all.push(of_mapping(asked, (&one.mapping, &one.names), &ways, &place, &sample));
            continue;
        }
        let loaded = load(&root)?;
        let (mappings, names) = (&loaded.files, &loaded.names);
        let groups = || loaded.folder.library.mappings();
        let cases = groups().flat_map(|(_, group)| group.cases()).cloned().collect();
        let place = Place { folder: root.join(COMMON), cases };
        let sample = |sample: &str| mappings.get(&format!("{COMMON}/{sample}")).cloned();
        let ways = [Direction::In, Direction::Out];
        all.extend(
            groups()
                .filter(|(file, _)| selected(file, &below))
                .map(|(_, group)| of_mapping(asked, (group, names), &ways, &place, &sample))
                .filter(|ran| !ran.results.is_empty()),
        );
        for name in loaded.folder.integrations.keys() {
            let from = (root.as_path(), &loaded);
            all.extend(of_integration(asked, name, from, &below, output)?);
        }
    }
    Ok(all)
}

/// The cases of one integration's files that are asked for.
fn of_integration(
    asked: &Test,
    name: &str,
    (root, all): (&Path, &Loaded),
    below: &[String],
    output: Output,
) -> Result<Vec<Ran>, Fault> {
    let file = |document: &str| format!("{name}/{document}.yaml");
    let mappings = &all.files;
    if !mappings.keys().any(|path| path.starts_with(&format!("{name}/")) && selected(path, below)) {
        return Ok(Vec::new());
    }
    let sample = |sample: &str| mappings.get(&format!("{name}/{sample}")).cloned();
    let loaded = all.folder.integrations.get(name);
    // Files that are asked for by name are tried whatever is wrong beside them.
    let alone = loaded.filter(|loaded| {
        let here = below.iter().filter(|path| path.starts_with(&format!("{name}/")));
        let sound = |path: &String| loaded.mappings.keys().any(|document| *path == file(document));
        below.iter().all(|path| !path.is_empty() && path != name) && here.clone().all(sound)
    });
    let integration = match loaded.and_then(|loaded| loaded.integration.as_ref()) {
        None if alone.is_some() => None,
        Some(_) | None => Some(whole(all, name, output)?),
    };
    let found = integration.map(|found| &found.mappings).or(alone.map(|loaded| &loaded.mappings));
    let mapped = found.into_iter().flatten();
    let cases = mapped.clone().flat_map(|(_, mapping)| mapping.cases()).cloned().collect();
    let place = Place { folder: root.join(name), cases };
    let mapped = mapped.filter(|(document, _)| selected(&file(document), below));
    Ok(mapped
        .map(|(document, mapping)| {
            let both = || vec![Direction::In, Direction::Out];
            let ways = integration.map_or_else(both, |integration| integration.ways(document));
            of_mapping(asked, (mapping, &all.names), &ways, &place, &sample)
        })
        .filter(|ran| !ran.results.is_empty() || asked.coverage && asked.filter.is_none())
        .collect())
}

fn of_mapping(
    asked: &Test,
    (mapping, names): (&Arc<Mapping>, &Names),
    ways: &[Direction],
    place: &Place,
    sample: &dyn Fn(&str) -> Option<Vec<u8>>,
) -> Ran {
    let fits = |case: &Case| {
        asked.filter.as_ref().is_none_or(|text| {
            let place = mapping.source.place(case.span.start);
            let shown = names.place(&place);
            [&case.why, &mapping.name, &place, &shown]
                .iter()
                .any(|told| told.contains(text.as_str()))
        })
    };
    let results = mapping.cases().iter().cloned().zip(run_cases(mapping, sample));
    let mut results: Vec<(Case, CaseResult)> = results.filter(|(case, _)| fits(case)).collect();
    for (_, result) in &mut results {
        result.place = names.place(&result.place);
        result.failures.iter_mut().for_each(|line| *line = names.said(line));
    }
    let hold = results.iter().all(|(_, result)| result.failures.is_empty());
    let mut coverage = asked.coverage.then(|| coverage(mapping, sample, &fits, ways));
    for part in coverage.iter_mut().flat_map(|coverage| &mut coverage.parts) {
        part.rule = names.place(&part.rule);
    }
    // Changes are seen by cases that hold without them.
    let tries = asked.mutate && hold && !results.is_empty();
    let mut mutated = tries.then(|| mutate(mapping, sample, &fits, ways));
    for (place, _) in mutated.iter_mut().flat_map(|mutated| &mut mutated.survivors) {
        *place = names.place(place);
    }
    let silent =
        names.findings(if results.is_empty() { Vec::new() } else { silent(mapping, sample) });
    Ran {
        file: names.file(&mapping.source.name),
        mapping: Arc::clone(mapping),
        folder: place.folder.clone(),
        cases: Arc::clone(&place.cases),
        results,
        coverage,
        mutated,
        silent,
    }
}

fn tell(all: &[Ran], results: &[&CaseResult], output: Output) {
    match output {
        Output::Table | Output::Name => {
            for result in results.iter().filter(|result| !result.failures.is_empty()) {
                let lines = result.failures.iter().map(|line| format!("    {line}\n"));
                let lines: String = lines.collect();
                output::print(&format!("failed: {}\n  --> {}\n{lines}", result.why, result.place));
            }
            for ran in all {
                if let Some(coverage) = &ran.coverage {
                    output::print(&covered(&ran.file, coverage));
                }
            }
            for mutated in all.iter().filter_map(|ran| ran.mutated.as_ref()) {
                for (place, words) in &mutated.survivors {
                    output::print(&format!("unnoticed: {words}\n  --> {place}\n"));
                }
            }
        }
        Output::Json | Output::Jsonl => {
            let row = |result: &&CaseResult| json!({ "why": result.why, "place": result.place, "failures": result.failures });
            let rows: Vec<Json> = results.iter().map(row).collect();
            let more = all.iter().any(|ran| ran.coverage.is_some() || ran.mutated.is_some());
            if !more {
                return output::rows(&rows, &[], output);
            }
            let files: Vec<Json> = all.iter().map(machine).collect();
            output::document(&json!({ "cases": rows, "mappings": files }), output);
        }
    }
}

/// How far the cases of a mapping reach, with what they do not touch.
fn covered(file: &str, coverage: &Coverage) -> String {
    let (parts, touched) = coverage.count();
    let way = |way: &str| {
        let of = coverage.parts.iter().filter(|part| part.way == way);
        (of.clone().count(), of.filter(|part| part.touched).count())
    };
    let mut ways = Vec::new();
    for (name, (all, seen)) in [("in", way("in")), ("out", way("out"))] {
        if all > 0 {
            ways.push(format!("{name} {seen} of {all}"));
        }
    }
    let ways = ways.join(", ");
    let mut text = format!("{file}: {} of {parts} parts touched ({ways})\n", share(touched, parts));
    for part in coverage.untouched() {
        text.push_str(&format!("  {} {}: {}\n", part.rule, part.way, part.part));
    }
    text
}

fn machine(ran: &Ran) -> Json {
    let part = |part: &Part| json!({ "rule": part.rule, "way": part.way, "part": part.part, "touched": part.touched });
    let coverage = ran.coverage.as_ref();
    let coverage = coverage.map(|one| one.parts.iter().map(part).collect::<Vec<Json>>());
    let survivor = |(place, words): &(String, String)| json!({ "place": place, "change": words });
    let mutated = ran.mutated.as_ref().map(|mutated| {
        let survivors: Vec<Json> = mutated.survivors.iter().map(survivor).collect();
        json!({ "tried": mutated.tried, "more": mutated.more, "unnoticed": survivors })
    });
    json!({ "mapping": ran.mapping.name, "file": ran.file, "coverage": coverage, "mutate": mutated })
}
