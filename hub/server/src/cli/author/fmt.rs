//! `orderhub fmt`: integration files in their one layout.
//!
//! **Invariant:** a file is replaced whole or not at all, only by one that means the same, and keeps its
//! permissions and, where it is a link, its place. Test: `files_are_laid_out_once_and_kept_as_they_mean`.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use orderhub_lang::diagnostic::{Diagnostic, Source};
use orderhub_lang::yaml::format::{NotFormatted, format};
use orderhub_lang::yaml::{Budget, source_from_bytes};
use serde_json::json;

use super::mapping::given;
use super::names::Names;
use super::{report, usage};
use crate::bundle::Bundle;
use crate::cli::output::{self, Code, Fault, Output, counted, say};

/// Which files.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  orderhub fmt                          # every .yaml below mappings/
  orderhub fmt --check mappings/till    # changes nothing, ends with 1 where a file is not in its layout
  orderhub fmt - < order.yaml           # for editors: from the standard input to the standard output

Lines end as the first one of the file does, LF or CRLF; a mark of byte order stays.
Exit codes: 0 all are in their layout; 1 some are not (--check), or cannot be read; 2 usage.")]
pub(in crate::cli) struct Fmt {
    /// Folders and files; `-` is the standard input.
    #[arg(default_value = "mappings")]
    path: Vec<PathBuf>,
    /// Change nothing; name the files that would change, and their first line that would.
    #[arg(long)]
    check: bool,
}

/// What became of a file.
enum Laid {
    /// It is in its layout.
    Good,
    /// It is not, or was not: the first line that differs, from 1.
    Changed(usize),
    /// It is left as it is.
    Left(String),
}

pub(in crate::cli) fn fmt(asked: &Fmt, output: Output) -> Result<ExitCode, Fault> {
    if asked.path.iter().any(|path| path == Path::new("-")) {
        return standard(asked, output);
    }
    let (mut rows, mut findings) = (Vec::new(), Vec::new());
    for path in files(&asked.path, &mut rows, &mut findings)? {
        let laid = one(&path, asked.check, &mut findings)?;
        rows.push((path, laid));
    }
    if rows.is_empty() {
        let fault = Fault::new(Code::Usage, "no .yaml files there");
        return Err(fault.hint("name the mappings folder: `orderhub fmt mappings`"));
    }
    report(findings, Output::Table);
    tell(&rows, asked.check, output);
    let changed = rows.iter().filter(|(_, laid)| matches!(laid, Laid::Changed(_))).count();
    let left = rows.iter().filter(|(_, laid)| matches!(laid, Laid::Left(_))).count();
    let verb = if asked.check { "not in their layout" } else { "changed" };
    let files = counted(rows.len(), "file");
    say(&format!("{files}: {changed} {verb}, {left} left as they are"));
    let good = left == 0 && (changed == 0 || !asked.check);
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::from(Code::Problems.number()) })
}

fn tell(rows: &[(PathBuf, Laid)], check: bool, output: Output) {
    match output {
        Output::Table | Output::Name => {
            for (path, laid) in rows {
                match laid {
                    Laid::Good => {}
                    Laid::Changed(line) if check && output == Output::Table => {
                        output::print(&format!("{}:{line}", path.display()));
                    }
                    Laid::Changed(_) => output::print(&path.display().to_string()),
                    Laid::Left(why) => say(&format!("left as it is: {}: {why}", path.display())),
                }
            }
        }
        Output::Json | Output::Jsonl => {
            let row = |(path, laid): &(PathBuf, Laid)| {
                let (changed, line, why) = match laid {
                    Laid::Good => (false, None, None),
                    Laid::Changed(line) => (true, Some(line), None),
                    Laid::Left(why) => (false, None, Some(why)),
                };
                json!({ "file": path, "changed": changed, "line": line, "left": why })
            };
            output::rows(&rows.iter().map(row).collect::<Vec<_>>(), &[], output);
        }
    }
}

/// The files that are meant, each once; those that cannot be read are left as they are.
fn files(
    paths: &[PathBuf],
    left: &mut Vec<(PathBuf, Laid)>,
    findings: &mut Vec<Diagnostic>,
) -> Result<Vec<PathBuf>, Fault> {
    let mut all = Vec::new();
    for path in paths {
        if path.is_dir() {
            let looked = Bundle::look(path).map_err(|error| usage(error, path))?;
            let yaml = |name: &String| name.ends_with(".yaml");
            let names = looked.files.into_keys().filter(yaml);
            all.extend(names.map(|name| path.join(name)));
            let unread = looked.unread.into_iter().filter(yaml);
            left.extend(
                unread.map(|name| (path.join(name), Laid::Left("it is not read".to_owned()))),
            );
            findings.extend(Names::below(path).findings(looked.findings));
        } else if path.is_file() {
            all.push(path.clone());
        } else {
            let fault = Fault::new(Code::Usage, format!("there is no `{}`", path.display()));
            return Err(fault.hint("name the mappings folder: `orderhub fmt mappings`"));
        }
    }
    all.sort();
    all.dedup();
    Ok(all)
}

fn one(path: &Path, check: bool, findings: &mut Vec<Diagnostic>) -> Result<Laid, Fault> {
    let bytes = given::file(path)?;
    let name = path.display().to_string();
    let source = match source_from_bytes(&name, &bytes) {
        Ok(source) => source,
        Err(finding) => {
            findings.push(*finding);
            return Ok(Laid::Left("it is not UTF-8".to_owned()));
        }
    };
    let laid = match laid(&source) {
        Ok(laid) => laid,
        Err(not) => {
            let why = not.to_string();
            if let NotFormatted::Unreadable(more) = not {
                findings.extend(more);
            }
            return Ok(Laid::Left(why));
        }
    };
    if laid == source.text {
        return Ok(Laid::Good);
    }
    if !check {
        write(path, laid.as_bytes()).map_err(|error| {
            // The file that it was written to has a name of no use to anybody.
            Fault::new(Code::Problems, format!("cannot write `{name}`: {}", error.kind()))
                .hint("it is replaced by a new file: its folder has to let the program write")
        })?;
    }
    let same = laid.lines().zip(source.text.lines()).take_while(|(new, old)| new == old).count();
    Ok(Laid::Changed(same + 1))
}

fn laid(source: &Arc<Source>) -> Result<String, NotFormatted> {
    format(source, &Budget::default())
}

fn standard(asked: &Fmt, output: Output) -> Result<ExitCode, Fault> {
    if asked.path.len() > 1 {
        return Err(Fault::new(Code::Usage, "`-` stands alone").hint("name files, or only `-`"));
    }
    let bytes = given::body(None)?;
    let source = source_from_bytes("-", &bytes).map_err(|finding| {
        report(vec![*finding], output);
        Fault::new(Code::Problems, "the standard input is not UTF-8")
    })?;
    match laid(&source) {
        Ok(laid) if asked.check => {
            let good = laid == source.text;
            let pairs = laid.lines().zip(source.text.lines());
            let same = pairs.take_while(|(laid, own)| laid == own).count();
            if !good {
                say(&format!("-:{}: it is not in its layout", same + 1));
            }
            Ok(if good { ExitCode::SUCCESS } else { ExitCode::from(Code::Problems.number()) })
        }
        Ok(laid) => {
            output::exactly(laid.as_bytes());
            Ok(ExitCode::SUCCESS)
        }
        Err(not) => {
            let why = not.to_string();
            if let NotFormatted::Unreadable(findings) = not {
                say(orderhub_lang::diagnostic::render(&findings).trim_end());
            }
            Err(Fault::new(Code::Problems, why))
        }
    }
}

/// Replaces a file: another beside it takes its name once it is written.
pub(super) fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let path = fs::canonicalize(path)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut other = tempfile::NamedTempFile::new_in(folder)?;
    other.write_all(bytes)?;
    other.as_file().set_permissions(fs::metadata(&path)?.permissions())?;
    other.as_file().sync_all()?;
    other.persist(&path).map_err(|error| error.error)?;
    Ok(())
}
