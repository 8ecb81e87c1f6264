//! Documents whose commands a test carries out as a reader would: what stands in their blocks is written to
//! files, or typed into one shell, in order; what they show of a command's output is compared with it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use crate::{hub, wait};

/// What stands for anything: alone any lines, within a line any text.
const ANYTHING: &str = "…";
/// What a moment is, where a document looks at something that is still on its way.
const MOMENT: Duration = Duration::from_secs(30);
/// How commands begin that only look, and so may be asked again.
const LOOKS: &[&str] =
    &["grep ", "orderhub order ", "orderhub system ", "orderhub todo list", "orderhub why "];
/// The language of blocks that are typed, and never written to a file.
const CONSOLE: &str = "console";
/// Stands before the exit code that the shell prints after each command.
const MARK: &str = "@@ended@@ ";

/// A fenced block, with the file that it shows where a line that ends in `` `path`: `` stands above it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The file, below the folder that the reader works in.
    pub file: Option<String>,
    /// What is written behind the fence: `yaml`, `console`, …
    pub language: String,
    /// What stands between the fences.
    pub text: String,
}

/// A command, with the lines that the document shows below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typed {
    /// What is typed.
    pub command: String,
    /// What is printed; nothing: that is not said.
    pub shown: Vec<String>,
}

/// The section of a document under `heading`, up to the next one of its level.
pub fn section<'d>(document: &'d str, heading: &str) -> &'d str {
    let (_, after) =
        document.split_once(&format!("\n## {heading}\n")).expect("the section is there");
    after.split("\n## ").next().unwrap_or_default()
}

/// All blocks of a text, in order.
pub fn blocks(text: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut before = "";
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let text: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            let named = before.strip_suffix(':').or_else(|| before.strip_suffix('：'));
            let file = named.and_then(|rest| rest.strip_suffix('`')?.rsplit('`').next());
            let file = file.filter(|_| language != CONSOLE);
            found.push(Block {
                file: file.map(str::to_owned),
                language: language.to_owned(),
                text: text.join("\n") + "\n",
            });
            before = "";
        } else if !line.is_empty() {
            before = line;
        }
    }
    found
}

/// The commands of a block.
pub fn typed(block: &Block) -> Vec<Typed> {
    let mut all: Vec<Typed> = Vec::new();
    for line in block.text.lines() {
        match (line.strip_prefix("$ "), all.last_mut()) {
            (Some(command), _) => {
                all.push(Typed { command: command.to_owned(), shown: Vec::new() })
            }
            (None, Some(last)) => last.shown.push(line.to_owned()),
            (None, None) => panic!("a console block begins with `$ `, not with `{line}`"),
        }
    }
    all
}

/// One shell in a folder. Its jobs in the background end with it, whatever happens.
#[derive(Debug)]
pub struct Shell {
    process: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Shell {
    /// Starts it, with the program under test on its path and these variables besides. After `bound` it is
    /// ended, and all that it runs with it.
    pub fn start(folder: &Path, bound: Duration, variables: &[(&str, &str)]) -> Self {
        let path = std::env::var("PATH").unwrap_or_default();
        let path = format!("{}:{path}", hub::binary().parent().expect("a folder").display());
        let mut process = Command::new("timeout")
            .args([&bound.as_secs().to_string(), "bash"])
            .current_dir(folder)
            .env("PATH", path)
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("bash runs");
        let output = BufReader::new(process.stdout.take().expect("its output is a pipe"));
        let mut shell = Self { input: process.stdin.take(), process, output };
        shell.say("exec 2>&1\ntrap 'kill $(jobs -p) 2>/dev/null; wait' EXIT\n");
        shell
    }

    fn say(&mut self, text: &str) {
        let input = self.input.as_mut().expect("it is open until the end");
        input.write_all(text.as_bytes()).expect("the shell reads");
    }

    /// Runs a command: what it printed, and its exit code.
    pub fn ask(&mut self, command: &str) -> (String, i32) {
        self.say(&format!("{{ {command}\n}} </dev/null\necho {MARK}$?\n"));
        let mut printed = String::new();
        loop {
            let mut line = String::new();
            let read = self.output.read_line(&mut line).expect("output is UTF-8");
            assert!(read > 0, "the shell ended during `{command}`:\n{printed}");
            if let Some((rest, code)) = line.split_once(MARK) {
                printed.push_str(rest);
                return (printed, code.trim().parse().expect("an exit code"));
            }
            printed.push_str(&line);
        }
    }

    /// Does what the block says: writes its file, or types its commands. Returns what they printed.
    ///
    /// # Panics
    ///
    /// A command whose output is not shown fails, or another output comes than is shown.
    pub async fn carry_out(&mut self, folder: &Path, block: &Block) -> String {
        if let Some(file) = &block.file {
            let path = folder.join(file);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            std::fs::write(path, &block.text).expect("the folder is writable");
            return String::new();
        }
        let commands = if block.language == CONSOLE { typed(block) } else { Vec::new() };
        let mut printed = String::new();
        for Typed { command, shown } in &commands {
            let answer = self.answered(command, shown).await;
            printed.push_str(&answer);
        }
        printed
    }

    async fn answered(&mut self, command: &str, shown: &[String]) -> String {
        let (mut last, code) = self.ask(command);
        if shown.is_empty() {
            assert_eq!(code, 0, "`{command}` failed:\n{last}");
            return last;
        }
        if !fits(shown, &last) && LOOKS.iter().any(|look| command.starts_with(look)) {
            let until = wait::until(command, MOMENT * 2, || {
                last = self.ask(command).0;
                let fits = fits(shown, &last);
                async move { fits.then_some(()) }
            });
            // Whether it came true is judged below, where both can be shown.
            tokio::time::timeout(MOMENT, until).await.ok();
        }
        let shown_text = shown.join("\n");
        assert!(fits(shown, &last), "`{command}` shows\n{shown_text}\n\nand prints\n{last}");
        last
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        // It ends at the end of its input; `timeout` sees to it that it does.
        self.input.take();
        self.process.wait().ok();
    }
}

/// Whether an output is what is shown of it.
pub fn fits(shown: &[String], output: &str) -> bool {
    let shown: Vec<&str> = shown.iter().map(|line| line.trim_end()).collect();
    let lines: Vec<&str> = output.trim_end().lines().map(str::trim_end).collect();
    lines_fit(&shown, &lines)
}

fn lines_fit(shown: &[&str], lines: &[&str]) -> bool {
    match shown {
        [] => lines.is_empty(),
        [ANYTHING, rest @ ..] => (0..=lines.len()).any(|from| lines_fit(rest, &lines[from..])),
        [line, rest @ ..] => match lines {
            [first, after @ ..] => line_fits(line, first) && lines_fit(rest, after),
            [] => false,
        },
    }
}

fn line_fits(shown: &str, line: &str) -> bool {
    let mut parts = shown.split(ANYTHING);
    let Some(mut rest) = line.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(end) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.ends_with(end)
}
