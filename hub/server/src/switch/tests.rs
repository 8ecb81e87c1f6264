//! Looks at a folder, one by one.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::watch;

use super::rest::{REST, UNENDED, UNRESTED};
use super::routed::activate;
use super::standing::{From, Standing};
use super::{LOOK, LOOKS, Parts, SETTLE, Switch, held};
use crate::bundle::Bundle;
use crate::clock::Clock;
use crate::config::{self, Secrets};
use crate::store;

/// A folder with one integration, and what looks at it.
struct Looked {
    switch: Switch,
    active: watch::Receiver<Arc<Bundle>>,
    standing: Standing,
    folder: TempDir,
}

impl Looked {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../mappings/sink");
        std::fs::create_dir_all(folder.path().join("mappings/sink")).unwrap();
        for name in ["connector.yaml", "integration.yaml", "order.yaml"] {
            let to = folder.path().join("mappings/sink").join(name);
            std::fs::copy(shipped.join(name), to).unwrap();
        }
        let system =
            "[systems.archive]\nintegration = \"sink\"\nbase_url = \"https://archive.example\"\n";
        let db = folder.path().join("hub.db");
        let url = format!("[store]\nurl = \"sqlite:{}\"\n{system}", db.display());
        let config = config::parse("test", &url, &HashMap::new()).unwrap().config;
        let secrets = Secrets::new(HashMap::new());
        let store = store::open(&config.store, &secrets, "test").await.unwrap();
        let mappings = folder.path().join("mappings");
        let files = Bundle::read(&mappings).unwrap();
        let bundle = Bundle::compile(&files, &config).unwrap();
        let now = Clock::system().now();
        let bundle = activate((&*store, &config), (bundle, &files), now).await.unwrap();
        let (active, seen) = watch::channel(Arc::new(bundle));
        // From here on its time is the test's.
        tokio::time::pause();
        let clock = Clock::system();
        let standing = Standing::new(clock.now());
        let parts = Parts {
            store,
            config: Arc::new(config),
            active,
            folder: Some(mappings),
            clock,
            standing: standing.clone(),
            waiting: None,
        };
        Self { switch: Switch::new(parts), active: seen, standing, folder }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("mappings/sink/order.yaml")
    }

    fn text(&self) -> String {
        std::fs::read_to_string(self.file()).unwrap()
    }

    fn write(&self, text: &str) {
        std::fs::write(self.file(), text).unwrap();
    }

    fn hash(&self) -> Arc<str> {
        Arc::clone(&self.active.borrow().hash)
    }

    /// Looks until the folder rests; how long that took.
    async fn rested(&mut self) -> Duration {
        let mut took = Duration::ZERO;
        while self.switch.look().await == SETTLE {
            took += SETTLE;
            tokio::time::advance(SETTLE).await;
        }
        took
    }
}

#[tokio::test]
async fn a_folder_is_taken_when_it_rests() {
    let mut looked = Looked::new().await;
    let (before, text) = (looked.hash(), looked.text());
    assert_eq!(looked.switch.look().await, LOOK);
    // Half of the change is good by itself, and stands for a while.
    looked.write(&format!("{text}# half\n"));
    assert_eq!(looked.switch.look().await, SETTLE);
    tokio::time::advance(REST - Duration::from_millis(1)).await;
    assert_eq!(looked.switch.look().await, SETTLE);
    looked.write(&format!("{text}# half and half\n"));
    assert_eq!(looked.hash(), before);
    assert_eq!(looked.rested().await, REST);
    assert_ne!(looked.hash(), before);
    // A change that is taken back before it rests is none.
    let after = looked.hash();
    looked.write(&format!("{text}# again\n"));
    assert_eq!(looked.switch.look().await, SETTLE);
    looked.write(&format!("{text}# half and half\n"));
    assert_eq!(looked.switch.look().await, LOOK);
    assert_eq!(looked.hash(), after);
}

#[tokio::test]
async fn a_file_that_may_be_written_still_is_waited_for() {
    let mut looked = Looked::new().await;
    let (before, text) = (looked.hash(), looked.text());
    assert_eq!(looked.switch.look().await, LOOK);
    // Cut in the middle of its last line, and whole YAML all the same.
    looked.write(&format!("{text}# the last line is not wh"));
    assert_eq!(looked.switch.look().await, SETTLE);
    tokio::time::advance(UNENDED - Duration::from_millis(1)).await;
    assert_eq!(looked.switch.look().await, SETTLE, "it may go on");
    assert_eq!(looked.hash(), before);
    looked.write(&format!("{text}# the last line is whole\n"));
    assert_eq!(looked.rested().await, REST);
    assert_ne!(looked.hash(), before);
    // Who never ends his files is taken at his word in the end, and only for what he changed.
    let whole = looked.hash();
    looked.write(&format!("{text}# no end"));
    assert_eq!(looked.rested().await, UNENDED);
    assert_ne!(looked.hash(), whole);
    std::fs::write(looked.folder.path().join("mappings/sink/more.yaml"), "orderhub: 1\n").unwrap();
    assert_eq!(looked.rested().await, REST, "that file has not changed since");
}

#[tokio::test]
async fn a_folder_that_never_rests_is_told_of_and_not_taken() {
    let mut looked = Looked::new().await;
    let (before, text) = (looked.hash(), looked.text());
    assert_eq!(looked.switch.look().await, LOOK);
    let looks = UNRESTED.as_millis() / SETTLE.as_millis();
    for look in 0..3 * looks {
        looked.write(&format!("{text}# {look}\n"));
        assert_eq!(looked.switch.look().await, SETTLE, "{look}");
        assert_eq!(looked.standing.is_changing().is_some(), look >= looks, "{look}");
        tokio::time::advance(SETTLE).await;
    }
    assert_eq!(looked.hash(), before, "nobody knows which of them was meant");
    let said = looked.standing.is_changing().unwrap().why;
    assert!(said.contains("has not rested for 20 s"), "{said}");
    assert_eq!(looked.rested().await, REST - SETTLE, "it stood still since the last look");
    assert_ne!(looked.hash(), before);
    assert_eq!(looked.standing.is_changing(), None);
}

#[tokio::test]
async fn a_mapping_that_lost_its_cases_or_fails_them_is_told_of() {
    let mut looked = Looked::new().await;
    assert_eq!(looked.switch.look().await, LOOK);
    let text = looked.text();
    let (rules, cases) = text.split_once("cases:\n").expect("it has cases");
    // The samples of the shipped file are not here: what it expects does not hold.
    looked.write(&format!("{text}# a change\n"));
    looked.rested().await;
    let warned = looked.standing.warnings();
    assert!(!warned.is_empty() && warned.len() == cases.matches("why:").count(), "{warned:?}");
    assert!(warned[0].file.starts_with("mappings/sink/order.yaml:"), "{warned:?}");
    assert!(warned[0].why.contains("does not hold"), "{warned:?}");
    // Cut at the end of a line, as a full disk leaves it.
    looked.write(rules);
    looked.rested().await;
    let warned = looked.standing.warnings();
    assert_eq!(warned.len(), 1, "{warned:?}");
    assert_eq!(warned[0].file, "mappings/sink/order.yaml");
    assert!(warned[0].why.contains("has none"), "{warned:?}");
    // Without cases before and after, there is nothing to tell.
    looked.write(&format!("{rules}# a change\n"));
    looked.rested().await;
    assert_eq!(looked.standing.warnings(), []);
}

/// What is gone by the files in use, and the warnings of it.
fn missing(looked: &Looked) -> (Vec<String>, Vec<String>) {
    let gone = looked.active.borrow().gone().iter().map(|gone| gone.rule.to_string()).collect();
    let warnings = looked.standing.warnings().into_iter();
    let own = warnings.filter(|one| one.file == "mappings/sink/integration.yaml");
    (gone, own.map(|one| one.why).collect())
}

#[tokio::test]
async fn an_entry_that_vanishes_is_told_of_until_it_is_back_or_meant() {
    let mut looked = Looked::new().await;
    looked.switch.parts.clock = Clock::starting_at(Clock::system().now());
    assert_eq!(looked.switch.look().await, LOOK);
    let file = looked.folder.path().join("mappings/sink/integration.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    let (before, _) = text.split_once("deliver:\n").unwrap();
    let none = || (Vec::new(), Vec::new());
    let first = looked.hash();
    assert_eq!((missing(&looked), looked.active.borrow().judges_by()), (none(), first.to_string()));
    // Cut at the end of a line.
    std::fs::write(&file, before).unwrap();
    looked.rested().await;
    let (gone, told) = missing(&looked);
    assert_eq!((gone, told.len()), (vec!["order.changed/changed".to_owned()], 1));
    assert!(told[0].contains("`archive` delivered `order.changed`"), "{told:?}");
    let judges = looked.active.borrow().judges_by();
    assert!(judges.starts_with(&*looked.hash()) && judges != *looked.hash(), "{judges}");
    // Whoever does as the others do comes to the same.
    let cut = looked.hash();
    looked.switch.follow(first.to_string().into()).await;
    assert_eq!((missing(&looked), looked.hash()), (none(), Arc::clone(&first)));
    looked.switch.follow(cut.to_string().into()).await;
    assert_eq!(missing(&looked).1.len(), 1);
    assert_eq!(looked.active.borrow().judges_by(), judges);
    // Back, and once more; and meant after a week.
    std::fs::write(&file, &text).unwrap();
    looked.rested().await;
    assert_eq!((missing(&looked), looked.hash()), (none(), first));
    std::fs::write(&file, before).unwrap();
    looked.rested().await;
    let day = Duration::from_secs(24 * 3_600);
    for (days, expected) in [(6, 1), (2, 0)] {
        tokio::time::advance(day * days).await;
        looked.switch.look().await;
        let (gone, told) = missing(&looked);
        assert_eq!((gone.len(), told.len()), (expected, expected), "{days} days later");
    }
    assert_eq!(looked.active.borrow().judges_by(), *cut);
    // That nothing is to be done may be said.
    std::fs::write(&file, &text).unwrap();
    looked.rested().await;
    let nothing = "  - { on: order.changed, do: none }\n";
    std::fs::write(&file, format!("{before}deliver:\n{nothing}")).unwrap();
    looked.rested().await;
    assert_eq!(missing(&looked), none());
}

#[tokio::test]
async fn what_is_refused_is_said_until_it_is_mended() {
    let mut looked = Looked::new().await;
    let (before, text) = (looked.hash(), looked.text());
    looked.write(&format!("{text}  - {{ hub: no_such_field, system: x }}\n"));
    looked.rested().await;
    let refused = looked.standing.refused().expect("it is refused");
    assert_eq!((looked.hash(), refused.from), (Arc::clone(&before), From::Folder));
    assert_ne!(refused.hash.as_ref(), Some(&before));
    let finding = refused.findings.first().expect("it says what is wrong");
    assert_eq!(finding["file"], "mappings/sink/order.yaml");
    // It stays said while the folder is away, and after that.
    let (mappings, away) =
        (looked.folder.path().join("mappings"), looked.folder.path().join("away"));
    std::fs::rename(&mappings, &away).unwrap();
    for _ in 0..=LOOKS {
        looked.switch.look().await;
    }
    assert_eq!(looked.standing.refused().map(|refused| refused.hash), Some(None), "it is away");
    std::fs::rename(&away, &mappings).unwrap();
    looked.switch.look().await;
    assert_eq!(looked.standing.refused(), Some(refused));
    // Files that are good, or those in use again, end it.
    looked.write(&text);
    looked.rested().await;
    assert_eq!((looked.standing.refused(), looked.hash()), (None, Arc::clone(&before)));
    looked.write("orderhub: 1\n");
    looked.rested().await;
    assert!(looked.standing.refused().is_some());
    let since = looked.standing.since();
    looked.write(&format!("{text}# better\n"));
    looked.rested().await;
    assert_eq!(looked.standing.refused(), None);
    assert!(looked.standing.since() > since && looked.hash() != before);
}

#[tokio::test]
async fn what_the_store_names_and_nobody_can_use_is_said_until_it_names_another() {
    let mut looked = Looked::new().await;
    looked.switch.follow("0123456789abcdef".into()).await;
    let refused = looked.standing.refused().expect("it is refused");
    assert_eq!((refused.hash.as_deref(), refused.from), (Some("0123456789abcdef"), From::Store));
    // The folder is well, and stays so.
    looked.rested().await;
    assert_eq!(looked.standing.refused().as_ref(), Some(&refused));
    looked.switch.follow("0123456789abcdef".into()).await;
    assert_eq!(looked.standing.refused(), Some(refused), "it is said once");
    looked.switch.follow(looked.hash().to_string().into()).await;
    assert_eq!(looked.standing.refused(), None);
}

/// The files of the folder, one of them with other words.
fn with(looked: &Looked, file: &str, from: &str, to: &str) -> crate::bundle::Files {
    let mut files = Bundle::read(&looked.folder.path().join("mappings")).unwrap();
    let text = String::from_utf8(files.get(file).expect("it is there").to_vec()).unwrap();
    assert!(text.contains(from), "{file} says {from}");
    files.insert(file.to_owned(), text.replace(from, to).into_bytes());
    files
}

#[tokio::test]
async fn what_files_lack_is_known_though_those_in_use_are_wrong_by_now() {
    let looked = Looked::new().await;
    let (store, config) = (&*looked.switch.parts.store, &*looked.switch.parts.config);
    let now = Clock::system().now();
    let compiled = |files| Bundle::compile(&files, config).unwrap();
    let whole = "# another\norderhub: 1";
    let whole = compiled(with(&looked, "sink/integration.yaml", "orderhub: 1", whole));
    let deliver = "deliver:\n  - on: order.changed\n    do: changed\n    with: order\n";
    let without = compiled(with(&looked, "sink/integration.yaml", deliver, ""));
    let entry = (config.systems.keys().next().unwrap().clone(), "order.changed/changed".into());
    // What this program does not take, the earlier one used; it kept no list.
    for (file, from, to, lacks) in [
        ("sink/connector.yaml", "method: ", "methode: ", Some(vec![entry])),
        ("sink/order.yaml", "fields:", "felder:", None),
    ] {
        let files = with(&looked, file, from, to);
        assert!(Bundle::former(&files, config).is_err(), "{file}");
        let hash = Bundle::name(&files);
        store.activate((&hash, &files), &whole.listens(), now).await.unwrap();
        let path = looked.folder.path().join("hub.db");
        let sql = "DELETE FROM meta WHERE name = 'listens'";
        rusqlite::Connection::open(path).unwrap().execute(sql, []).unwrap();
        let lacking = async |bundle| held::lacking((store, config), bundle, now).await.unwrap();
        assert_eq!(lacking(&without).await, lacks, "{file}");
        let none = lacks.map(|_| Vec::new());
        assert_eq!(lacking(&whole).await, none, "{file}");
    }
}
