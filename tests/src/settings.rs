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
        Self::reading(port, &Path::new(env!("CARGO_MANIFEST_DIR")).join("../mappings"))
    }

    /// The same with other files.
    pub fn reading(port: u16, mappings: &Path) -> Self {
        let text = format!(
            "[server]\nlisten = \"127.0.0.1:{port}\"\n\n[mappings]\npath = \"{}\"\n\n\
             [egress]\nallow_private = [\"127.0.0.1/32\"]\n",
            mappings.canonicalize().expect("mappings/ is there").display()
        );
        Self { text }
    }

    /// Told to stop, it takes calls for so long.
    pub fn drain_seconds(mut self, seconds: u16) -> Self {
        self.text =
            self.text.replacen("[server]", &format!("[server]\ndrain_seconds = {seconds}"), 1);
        self
    }

    /// Reads its integration files from a copy in its own folder, and looks at them while it runs.
    pub fn own_mappings(mut self) -> Self {
        let shipped = self.text.find("path = ").expect("the settings name the mappings");
        let end = self.text[shipped..].find('\n').expect("a line ends") + shipped;
        self.text.replace_range(shipped..end, "path = \"mappings\"\nreload = true");
        self
    }

    /// Keeps its orders in this place instead.
    pub fn store(mut self, url: &str) -> Self {
        self.line(&format!("\n[store]\nurl = \"{url}\""));
        self
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

    /// A system of an integration. Its secrets all have the one value that the twins know, from a file.
    pub fn system(
        mut self,
        name: &str,
        integration: &str,
        base_url: &str,
        secrets: &[&str],
        settings: &[(&str, &str)],
    ) -> Self {
        self.line(&format!("\n[systems.{name}]"));
        self.line(&format!("integration = \"{integration}\"\nbase_url = \"{base_url}\""));
        self.line(&format!("[systems.{name}.secrets]"));
        for secret in secrets {
            self.line(&format!("{secret} = {{ file = \"secret\" }}"));
        }
        self.line(&format!("[systems.{name}.settings]"));
        for (key, value) in settings {
            self.line(&format!("{key} = \"{value}\""));
        }
        self
    }

    /// A shop of the vendor's kind.
    pub fn shop(self, name: &str, base_url: &str) -> Self {
        let settings = [("client_id", "app"), ("money", "shop_money"), ("location_id", "1")];
        let secrets = ["client_secret", "webhook"];
        self.system(name, "shopify", base_url, &secrets, &settings)
    }

    /// Lowers a limit of a system that is named before.
    pub fn limit(mut self, system: &str, limit: &str, rate: &str, burst: u32) -> Self {
        self.line(&format!("[systems.{system}.limits]"));
        self.line(&format!("{limit} = {{ rate = \"{rate}\", burst = {burst} }}"));
        self
    }

    /// The sink, which is told of every version.
    pub fn sink(self, base_url: &str) -> Self {
        self.system("archive", "sink", base_url, &[], &[])
    }

    /// More tables, as they stand in the file.
    pub fn table(mut self, text: &str) -> Self {
        self.line(text);
        self
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// Writes `orderhub.toml` and the secret into `folder`.
    pub fn write(&self, folder: &Path) {
        std::fs::write(folder.join("orderhub.toml"), &self.text).expect("the folder is writable");
        std::fs::write(folder.join("secret"), SECRET).expect("the folder is writable");
    }
}
