//! What is tried with bytes that nobody chose: the functions that `fuzz/` drives for hours, and that every test run
//! drives over the inputs kept under `tests/data/fuzz`.
//!
//! Each takes any bytes and panics where a promise of the language is broken: a text ends with a tree or with
//! findings at their places, a file compiles or says why, a body gives the same twice and fails with a cause that
//! is explained, what goes out comes in again. None touches anything but its input and the mappings named in
//! `known`.
//!
//! **Invariant:** whatever was found once is tried in every test run. Test: `every_corpus_file_ends_well`.

mod bodies;
mod files;
mod known;
mod made;
mod reverse;
mod texts;

/// Tries one input.
pub type Target = fn(&[u8]);

/// Every target by name: a folder of `tests/data/fuzz` and a program of `fuzz/`.
pub const TARGETS: &[(&str, Target)] = &[
    ("expression", texts::expression),
    ("fmt", texts::fmt),
    ("library", files::library),
    ("mapping_compile", files::mapping_compile),
    ("reverse", reverse::reverse),
    ("run_formats", bodies::run_formats),
    ("run_json", bodies::run_json),
    ("yaml", texts::yaml),
];

/// Tries an input on the target of this name.
///
/// # Panics
///
/// There is none of the name, or the input shows a fault.
pub fn run(target: &str, input: &[u8]) {
    let found = TARGETS.iter().find(|(name, _)| *name == target);
    let (_, run) = found.unwrap_or_else(|| panic!("there is no target `{target}`"));
    run(input);
}
