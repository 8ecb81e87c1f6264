//! The folder of the integration files while the hub runs, when it is not there any more.

use std::path::Path;
use std::time::Duration;

use orderhub_tests::hub::{Hub, free_port};
use orderhub_tests::orders::Order;
use orderhub_tests::settings::Settings;
use orderhub_tests::{api, http, wait};

const PATIENCE: Duration = Duration::from_secs(30);

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (path, name) = entry.map(|entry| (entry.path(), entry.file_name())).unwrap();
        if path.is_dir() {
            copy(&path, &to.join(name));
        } else {
            std::fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

async fn metric_is(hub: &Hub, line: &str) {
    wait::until(line, PATIENCE, || async {
        let metrics = http::text(&hub.url("/metrics")).await?;
        metrics.lines().any(|one| one == line).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_that_vanishes_is_told_of_and_the_hub_goes_on() {
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    let mappings = folder.path().join("mappings");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../mappings"), &mappings);
    let settings = Settings::new(port).own_mappings().shop("shop_eu", "http://127.0.0.1:1");
    settings.write(folder.path());
    let hub = Hub::start(folder.path(), port).await;
    metric_is(&hub, "orderhub_mappings_unreadable 0").await;
    let away = folder.path().join("away");
    std::fs::rename(&mappings, &away).unwrap();
    metric_is(&hub, "orderhub_mappings_unreadable 1").await;
    let body = Order::paid("shop_eu", 1, 1).body();
    api::take_in(&hub, "shop_eu", "order_rest", body).await;
    std::fs::rename(&away, &mappings).unwrap();
    metric_is(&hub, "orderhub_mappings_unreadable 0").await;
    let log = hub.log();
    let said = |words: &str| log.matches(words).count();
    assert_eq!(said("integration files cannot be read"), 1, "{log}");
    assert_eq!(said("can be read again"), 1, "{log}");
    assert!(hub.terminate().await.success());
}
