//! `orderhub.toml` for the tests: the shipped integration files, the test's own queue and systems.

use std::fmt::Write as _;
use std::path::Path;

/// The secret that tests and twins share.
pub const SECRET: &str = "test-secret";

/// Settings of one hub.
#[derive(Debug)]
pub struct Settings {
    text: String,
}

impl Settings {
    /// A hub on `port` with its store in its own folder, reading the shipped `mappings/`.
    pub fn new(port: u16) -> Self {
        let mappings = Path::new(env!("CARGO_MANIFEST_DIR")).join("../mappings");
        let text = format!(
            "[server]\nlisten = \"127.0.0.1:{port}\"\n\n[mappings]\npath = \"{}\"\n\n\
             [egress]\nallow_private = [\"127.0.0.1/32\"]\n",
            mappings.canonicalize().expect("mappings/ is there").display()
        );
        Self { text }
    }

    /// Reads a queue; the system comes from the header `x-system`, the document is `order_rest`.
    pub fn queue(mut self, url: &str, queue: &str) -> Self {
        write!(
            self.text,
            "\n[bus]\nurl = \"{url}\"\n\n[bus.consume.orders]\nqueue = \"{queue}\"\n\
             system = {{ header = \"x-system\" }}\ndocument = {{ fixed = \"order_rest\" }}\n\
             message_id = {{ property = \"message_id\" }}\n"
        )
        .expect("writing to a string");
        self
    }

    /// A system of an integration, with the secret `token` and `webhook` in a file beside.
    pub fn system(
        mut self,
        name: &str,
        integration: &str,
        base_url: &str,
        settings: &[(&str, &str)],
    ) -> Self {
        write!(
            self.text,
            "\n[systems.{name}]\nintegration = \"{integration}\"\nbase_url = \"{base_url}\"\n\
             [systems.{name}.secrets]\ntoken = {{ file = \"secret\" }}\nwebhook = {{ file = \"secret\" }}\n"
        )
        .expect("writing to a string");
        if !settings.is_empty() {
            writeln!(self.text, "[systems.{name}.settings]").expect("writing to a string");
        }
        for (key, value) in settings {
            writeln!(self.text, "{key} = \"{value}\"").expect("writing to a string");
        }
        self
    }

    /// Writes `orderhub.toml` and the secret into `folder`.
    pub fn write(&self, folder: &Path) {
        std::fs::write(folder.join("orderhub.toml"), &self.text).expect("the folder is writable");
        std::fs::write(folder.join("secret"), SECRET).expect("the folder is writable");
    }
}
