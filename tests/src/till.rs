//! A mappings folder with one integration, and commands that are run in it, as a script sees them.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::hub::binary;

/// What a command ended with.
#[derive(Debug)]
pub struct Ran {
    /// Its code.
    pub code: i32,
    /// What it printed.
    pub out: String,
    /// What it said.
    pub err: String,
}

/// Runs a command in a folder.
pub fn orderhub(folder: &Path, arguments: &[&str], input: &str) -> Ran {
    let mut command = Command::new(binary());
    command.args(arguments).current_dir(folder);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A command that ends before it reads closes the pipe.
    child.stdin.take().unwrap().write_all(input.as_bytes()).ok();
    let ran = child.wait_with_output().unwrap();
    Ran {
        code: ran.status.code().unwrap_or(-1),
        out: String::from_utf8(ran.stdout).unwrap(),
        err: String::from_utf8(ran.stderr).unwrap(),
    }
}

const INTEGRATION: &str = "orderhub: 1
integration: till
role: channel
connector: declared
use:
  state: { table: { rows: { \"true\": captured, \"false\": pending } } }
intake:
  - message: order
    ordering: queue
";

/// The mapping, whose expectations are wrong.
pub const MAPPING: &str = "orderhub: 1
mapping: till.order
key: number
fields:
  - { hub: order_no, system: number }
  - { hub: currency, system: currency }
  - { hub: state.payment, system: paid, as: state }
  - { hub: totals.total, system: total, as: { money: { currency: /currency } } }
  - { hub: notes.customer, system: note, where: { $settings.notes: [taken] } }
cases:
  - { why: a paid one, system: samples/paid.json, hub: samples/paid.hub.json }
";

/// A document.
pub const PAID: &str = "{ \"number\": \"17\", \"currency\": \"EUR\", \"paid\": true, \"total\": \"19.90\", \"note\": \"hi\" }";

/// A mappings folder with one integration, whose case does not hold yet.
pub fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |file: &str, text: &str| {
        let path = folder.path().join("mappings/till").join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("integration.yaml", INTEGRATION);
    write("connector.yaml", "orderhub: 1\nconnector: till\nbase: \"{base_url}\"\noperations: {}\n");
    write("order.yaml", MAPPING);
    write("samples/paid.json", PAID);
    write("samples/paid.hub.json", "{ \"$key\": \"17\", \"order_no\": \"18\" }\n");
    folder
}
