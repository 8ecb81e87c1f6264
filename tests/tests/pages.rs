//! The pages of the integrations, `docs/integrations`: each folder that ships has one in each language, and stands in the
//! READMEs' index with what it was tried against; `check` takes the settings that a page shows, and its commands print
//! what it shows of their output.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use orderhub_tests::document::{Block, Shell, blocks};
use orderhub_tests::mappings::{root, shipped};
use orderhub_tests::till::orderhub;

/// Longest time for the commands of one page.
const BOUND: Duration = Duration::from_secs(300);
/// What stands behind the name of a page in Chinese.
const CHINESE: &str = ".zh-CN";

/// A README with an index of the pages, how its language marks them, and its words for what `tested:` says.
struct Index {
    readme: &'static str,
    mark: &'static str,
    words: [(&'static str, &'static str); 4],
}

const INDEXES: &[Index] = &[
    Index {
        readme: "README.md",
        mark: "",
        words: [
            ("server", "a real server"),
            ("examples", "the vendor's examples"),
            ("documentation", "its documentation"),
            ("twin", "this program's twin"),
        ],
    },
    Index {
        readme: "README.zh-CN.md",
        mark: CHINESE,
        words: [
            ("server", "真实服务器"),
            ("examples", "厂商的示例"),
            ("documentation", "其文档"),
            ("twin", "本程序的孪生系统"),
        ],
    },
];

/// The top folder.
fn top() -> PathBuf {
    root().parent().expect("a parent").canonicalize().expect("it is there")
}

/// The pages of a language by name.
fn pages(mark: &str) -> BTreeMap<String, String> {
    let mut pages = BTreeMap::new();
    for entry in std::fs::read_dir(top().join("docs/integrations")).expect("it is there") {
        let path = entry.expect("it can be read").path();
        let file = path.file_name().and_then(|name| name.to_str()).expect("a name");
        let name = file.strip_suffix(".md").expect("only pages lie here");
        let of = if name.ends_with(CHINESE) { CHINESE } else { "" };
        if of == mark {
            let text = std::fs::read_to_string(&path).expect("it is there");
            pages.insert(name.trim_end_matches(CHINESE).to_owned(), text);
        }
    }
    pages
}

/// The page that names a folder of the mappings in `` `mappings/NAME` ``.
///
/// # Panics
///
/// None does, or several do.
fn page_of<'p>(folder: &str, pages: &'p BTreeMap<String, String>, mark: &str) -> &'p str {
    let named = format!("`mappings/{folder}`");
    let of = pages.iter().filter(|(_, text)| text.contains(&named));
    let of: Vec<&str> = of.map(|(name, _)| name.as_str()).collect();
    match of[..] {
        [one] => one,
        _ => panic!(
            "{named} is named by {of:?} of docs/integrations/*{mark}.md: one page of each language is to"
        ),
    }
}

/// The blocks of a page in a language of code.
fn of_language(text: &str, language: &str) -> Vec<Block> {
    blocks(text).into_iter().filter(|block| block.language == language).collect()
}

/// Puts a block of settings over others: lines under the heading of their table, a key in place of the same one.
fn put_over(settings: &mut Vec<(String, Vec<String>)>, block: &str) {
    let mut at = None;
    for line in block.lines().filter(|line| !line.trim().is_empty()) {
        let told = line.split(" #").next().unwrap_or_default().trim_end();
        if told.starts_with('[') {
            let known = settings.iter().position(|(heading, _)| heading == told);
            at = Some(known.unwrap_or(settings.len()));
            if known.is_none() {
                settings.push((told.to_owned(), Vec::new()));
            }
            continue;
        }
        let lines = &mut settings[at.expect("a table comes first")].1;
        let key = |line: &str| line.split('=').next().unwrap_or_default().trim().to_owned();
        lines.retain(|known| key(known) != key(told));
        lines.push(told.to_owned());
    }
}

fn written(settings: &[(String, Vec<String>)]) -> String {
    let tables =
        settings.iter().map(|(heading, lines)| format!("{heading}\n{}\n", lines.join("\n")));
    tables.collect()
}

#[test]
fn every_folder_that_ships_has_a_page_in_each_language() {
    let [english, chinese] = ["", CHINESE].map(pages);
    assert!(english.keys().eq(chinese.keys()), "{:?}\n{:?}", english.keys(), chinese.keys());
    for folder in shipped().integrations.keys().chain(shipped().folder.connectors.keys()) {
        let page = page_of(folder, &english, "");
        assert_eq!(page, page_of(folder, &chinese, CHINESE), "{folder}: another page in Chinese");
    }
}

#[test]
fn the_index_says_of_every_page_what_its_files_were_tried_against() {
    for Index { readme, mark, words } in INDEXES {
        let text = std::fs::read_to_string(top().join(readme)).expect("it is there");
        let pages = pages(mark);
        for (folder, source) in &shipped().folder.connectors {
            let page = page_of(folder, &pages, mark);
            let link = format!("(docs/integrations/{page}{mark}.md)");
            let rows: Vec<&str> =
                text.lines().filter(|row| row.starts_with("| [") && row.contains(&link)).collect();
            assert_eq!(rows.len(), 1, "{readme}: rows with {link}");
            let tested = source.text.lines().find_map(|line| line.strip_prefix("tested: "));
            let tested = tested.unwrap_or_else(|| panic!("{folder}: no `tested:`"));
            let word = words.iter().find(|(known, _)| *known == tested);
            let (_, word) = word.unwrap_or_else(|| panic!("{folder}: no word for `{tested}`"));
            let says = rows[0].trim_end_matches(" |").rsplit("| ").next();
            assert_eq!(says, Some(*word), "{readme}: {folder} says `tested: {tested}`");
        }
    }
}

#[test]
fn check_takes_the_settings_that_a_page_shows() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mappings = top().join("mappings").display().to_string();
    let pages = pages("");
    let mut filled = String::new();
    for (name, text) in &pages {
        let mut settings = Vec::new();
        let blocks = of_language(text, "toml");
        assert!(!blocks.is_empty(), "{name}: it shows no settings");
        // A later block says what is another in a variant.
        for block in blocks {
            put_over(&mut settings, &block.text);
            let settings = written(&settings);
            std::fs::write(folder.path().join("orderhub.toml"), &settings).expect("a file");
            let ran = orderhub(folder.path(), &["check", &mappings, "-c", "orderhub.toml"], "");
            assert_eq!(ran.code, 0, "{name}: {}{}\n{settings}", ran.out, ran.err);
            filled.push_str(&settings);
        }
    }
    for (name, integration) in &shipped().integrations {
        let idle = integration.intake.is_empty() && integration.deliver.is_empty();
        let line = format!("integration = \"{name}\"\n");
        assert!(idle || filled.contains(&line), "{name}: its page shows no settings of it");
    }
}

#[tokio::test]
async fn the_commands_of_a_page_print_what_it_shows() {
    for (name, text) in pages("") {
        let consoles = of_language(&text, "console");
        assert!(!consoles.is_empty(), "{name}: it shows no command");
        let mut shell = Shell::start(&top(), BOUND, &[]);
        for block in consoles {
            shell.carry_out(&top(), &block).await;
        }
    }
}

/// What a page is made of, whatever its language: headings, rows, items, and its blocks without what is explained beside
/// settings.
fn shape(text: &str) -> (Vec<usize>, Vec<(String, String)>) {
    let count = |start: &str| text.lines().filter(|line| line.starts_with(start)).count();
    let bare = |block: Block| {
        let lines = block.text.lines();
        let told = lines.map(|line| match block.language.as_str() {
            "toml" => line.split(" #").next().unwrap_or_default().trim_end(),
            _ => line,
        });
        (block.language.clone(), told.collect::<Vec<_>>().join("\n"))
    };
    let counts = ["## ", "| ", "- "].map(count);
    (counts.to_vec(), blocks(text).into_iter().map(bare).collect())
}

#[test]
fn a_page_says_as_much_in_each_language() {
    let chinese = pages(CHINESE);
    for (name, text) in pages("") {
        let other = chinese.get(&name).unwrap_or_else(|| panic!("{name}: no page in Chinese"));
        assert_eq!(shape(&text), shape(other), "{name}: headings, rows, items; blocks");
        assert!(text.contains(&format!("]({name}{CHINESE}.md)")), "{name}: no link to Chinese");
        assert!(other.contains(&format!("]({name}.md)")), "{name}: no link back");
    }
}
