//! Files that others put into a folder: each is taken once and whole, whatever dies in between.

use std::path::{Path, PathBuf};
use std::time::Duration;

use orderhub_tests::database::Schema;
use orderhub_tests::hub::{self, Hub};
use orderhub_tests::{api, http, wait};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(60);
const HEADER: &[u8] = b"no;note;pos;sku;qty\n";

/// A hub's place, and the folder that it looks at.
struct Place {
    folder: TempDir,
    drop: PathBuf,
    port: u16,
}

impl Place {
    fn new(store: &str, drop: &Path) -> Self {
        let (folder, port) = (tempfile::tempdir().unwrap(), hub::free_port());
        let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/sources");
        let settings = format!(
            "[server]\nlisten = \"127.0.0.1:{port}\"\n[store]\nurl = \"{store}\"\n\
             [mappings]\npath = \"{}\"\n[systems.partner]\nintegration = \"table\"\n\
             [files.orders]\npath = \"{}\"\nsystem = \"partner\"\ndocument = \"order\"\nevery = \"1s\"\n",
            files.canonicalize().unwrap().display(),
            drop.display()
        );
        std::fs::write(folder.path().join("orderhub.toml"), settings).unwrap();
        Self { folder, drop: drop.to_owned(), port }
    }

    async fn start(&self) -> Hub {
        Hub::start(self.folder.path(), self.port).await
    }

    async fn until_there(&self, path: &str) -> Vec<u8> {
        let path = self.drop.join(path);
        let what = format!("{} is there", path.display());
        wait::until(&what, PATIENCE, || async { std::fs::read(&path).ok() }).await
    }
}

fn table(rows: &[&[u8]]) -> Vec<u8> {
    [HEADER, &rows.concat()].concat()
}

async fn numbers(hub: &Hub) -> Vec<(String, u64)> {
    let orders = api::all_orders(hub).await.into_iter();
    let mut numbers: Vec<_> = orders.map(|order| (order.order_no, order.version)).collect();
    numbers.sort();
    numbers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_taken_once_and_whole() {
    let drop = tempfile::tempdir().unwrap();
    let place = Place::new("sqlite:hub.db", drop.path());
    let hub = place.start().await;
    // It is written in pieces, slower than the hub looks.
    let mut growing = table(&[]);
    let mut tick = tokio::time::interval(Duration::from_millis(300));
    for number in 10..20 {
        growing.extend(format!("{number};Stra\u{df}e;1;MUG;2\n").chars().map(|c| c as u8));
        std::fs::write(drop.path().join("orders.csv"), &growing).unwrap();
        tick.tick().await;
    }
    assert_eq!(place.until_there("done/orders.csv").await, growing);
    let orders = numbers(&hub).await;
    assert_eq!(orders.len(), 10);
    assert_eq!(api::all_orders(&hub).await[0].note, "Stra\u{df}e");

    std::fs::write(drop.path().join("orders.csv"), &growing).unwrap();
    place.until_there("done/orders.csv.2").await;
    std::fs::write(drop.path().join("more.csv"), table(&[b"20;;1;MUG;2\n", b"21;;1;MUG;two\n"]))
        .unwrap();
    let why = String::from_utf8(place.until_there("failed/more.csv.why").await).unwrap();
    assert!(why.starts_with("document 2: ") && why.lines().count() == 1, "{why}");
    place.until_there("failed/more.csv").await;
    let after = numbers(&hub).await;
    assert_eq!(after[..10], orders, "a file that comes twice changes nothing");
    assert_eq!(after[10..], [("20".to_owned(), 1)], "one bad row hurts no neighbour");
    let todos = api::get(&hub, "/api/v1/todo?limit=10").await;
    assert_eq!(todos["items"].as_array().unwrap().len(), 1, "{todos}");
    assert!(std::fs::read_dir(drop.path().join("work")).unwrap().next().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_was_stored_before_a_crash_is_a_duplicate() {
    let drop = tempfile::tempdir().unwrap();
    let place = Place::new("sqlite:hub.db", drop.path());
    let hub = place.start().await;
    std::fs::write(drop.path().join("a.csv"), table(&[b"1;;1;MUG;2\n"])).unwrap();
    place.until_there("done/a.csv").await;
    hub.kill();
    // As if it had died right before it moved the first, and right before it stored the second.
    std::fs::rename(drop.path().join("done/a.csv"), drop.path().join("work/a.csv")).unwrap();
    std::fs::write(drop.path().join("work/b.csv"), table(&[b"2;;1;MUG;2\n"])).unwrap();
    let hub = place.start().await;
    place.until_there("done/a.csv").await;
    place.until_there("done/b.csv").await;
    assert_eq!(numbers(&hub).await, [("1".to_owned(), 1), ("2".to_owned(), 1)]);
    let metrics = http::text(&hub.url("/metrics")).await.unwrap();
    let mut duplicates = metrics.lines().filter(|line| line.contains("outcome=\"duplicate\""));
    assert!(duplicates.any(|line| line.ends_with(" 1")), "{metrics}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_that_share_a_folder_do_not_fight() {
    let (drop, schema) = (tempfile::tempdir().unwrap(), Schema::new());
    let places = [(); 2].map(|()| Place::new(&schema.url(), drop.path()));
    let first = places[0].start().await;
    let second = places[1].start().await;
    for number in 0..20 {
        let row = format!("{number};;1;MUG;2\n");
        let path = drop.path().join(format!("{number}.csv"));
        std::fs::write(path, table(&[row.as_bytes()])).unwrap();
    }
    places[0].until_there("done/9.csv").await;
    first.kill();
    std::fs::write(drop.path().join("last.csv"), table(&[b"last;;1;MUG;2\n"])).unwrap();
    places[1].until_there("done/last.csv").await;
    let orders = numbers(&second).await;
    assert_eq!(orders.len(), 21);
    assert!(orders.iter().all(|(_, version)| *version == 1), "{orders:?}");
    assert_eq!(std::fs::read_dir(drop.path().join("done")).unwrap().count(), 21);
}

/// The hub runs as a user who may not read all that others put there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_cannot_be_read_or_moved_holds_up_no_other() {
    use std::os::unix::fs::PermissionsExt;
    let drop = tempfile::tempdir().unwrap();
    let place = Place::new("sqlite:hub.db", drop.path());
    for folder in [place.folder.path(), drop.path()] {
        std::fs::set_permissions(folder, PermissionsExt::from_mode(0o777)).unwrap();
    }
    let unreadable = drop.path().join("a.csv");
    std::fs::write(&unreadable, table(&[b"1;;1;MUG;2\n"])).unwrap();
    std::fs::set_permissions(&unreadable, PermissionsExt::from_mode(0o000)).unwrap();
    // Its name has no room for `.why`.
    let long = format!("b{}", "x".repeat(254));
    std::fs::write(drop.path().join(&long), table(&[b"2;;1;MUG;two\n"])).unwrap();
    // Something stands where it would be worked on.
    let stuck = drop.path().join("work/c.csv");
    std::fs::create_dir_all(stuck.join("in-the-way")).unwrap();
    std::fs::set_permissions(drop.path().join("work"), PermissionsExt::from_mode(0o777)).unwrap();
    std::fs::write(drop.path().join("c.csv"), table(&[b"3;;1;MUG;2\n"])).unwrap();
    std::fs::write(drop.path().join("d.csv"), table(&[b"4;;1;MUG;2\n"])).unwrap();

    let hub = Hub::start_as_nobody(place.folder.path(), place.port).await;
    place.until_there("done/d.csv").await;
    assert_eq!(numbers(&hub).await, [("4".to_owned(), 1)]);
    let why = String::from_utf8(place.until_there("failed/a.csv.why").await).unwrap();
    assert!(why.contains("cannot be read"), "{why}");
    place.until_there(&format!("failed/{}.why", &long[..251])).await;
    assert!(drop.path().join("c.csv").exists(), "it is left alone");
    let todos = api::get(&hub, "/api/v1/todo?limit=10").await;
    let todos = todos["items"].as_array().unwrap();
    assert!(todos.iter().any(|todo| todo["cause"] == "unreadable_file"), "{todos:?}");
    assert_eq!(todos.len(), 2, "{todos:?}");
    // A few looks later it was told of once.
    std::fs::write(drop.path().join("e.csv"), table(&[b"5;;1;MUG;2\n"])).unwrap();
    place.until_there("done/e.csv").await;
    assert_eq!(hub.log().matches("cannot be moved").count(), 1, "{}", hub.log());
}
