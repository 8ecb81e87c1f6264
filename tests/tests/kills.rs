//! `kill -9` in the middle of the work: nothing lost, nothing twice, nothing out of order, judged by a
//! sink outside of the hub.

use orderhub_tests::database::{Schema, Server};
use orderhub_tests::scene::{Place, Scene};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_kills_lose_nothing_double_nothing_and_keep_the_order() {
    let scene = Scene::new("kills.orders", 5_000).await;
    three_kills(&scene, &scene.place(|settings| settings)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_kills_lose_nothing_double_nothing_and_keep_the_order_on_postgres() {
    let place = Schema::new();
    let scene = Scene::new("kills.orders.postgres", 2_000).await;
    three_kills(&scene, &scene.place(|settings| settings.store(&place.url()))).await;
}

async fn three_kills(scene: &Scene, place: &Place) {
    for tenths in [2, 5, 8] {
        let hub = place.start().await;
        scene.until(tenths).await;
        hub.kill();
    }
    let hub = place.start().await;
    scene.judge(&hub).await;
    assert!(hub.terminate().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_crashes_loses_nothing_and_the_hub_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let scene = Scene::new("kills.orders.crash", 1_000).await;
    let hub = scene.place(|settings| settings.store(server.url())).start().await;
    for tenths in [2, 6] {
        scene.until(tenths).await;
        server.crash_and_restart();
    }
    scene.judge(&hub).await;
    assert!(hub.terminate().await.success());
}
