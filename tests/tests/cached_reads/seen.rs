//! How a system that is only asked things is seen by who looks after it.

use super::*;

async fn status(hub: &Hub) -> Value {
    api::get(hub, "/api/v1/systems/till").await
}

fn told(hub: &Hub, words: &str) -> usize {
    hub.log().lines().filter(|line| line.contains(words)).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_system_says_to_questions_is_seen() {
    let system = System::start().await;
    system.put("G1", "gold", "2026-01-01");
    system.put("G2", "blue", "2026-01-01");
    let port = free_port();
    let folder = folder(port, &system);
    let hub = Hub::start(folder.path(), port).await;
    assert_eq!(status(&hub).await["last_success"], Value::Null);
    hand_in(&hub, json!([{ "number": "1", "group": "G1" }])).await;
    assert!(status(&hub).await["last_success"].is_string());
    // That it has no such thing is an answer, that it refuses the question is none that helps.
    hand_in(&hub, json!([{ "number": "2", "group": "G9" }])).await;
    assert_eq!(status(&hub).await["last_error"], Value::Null);
    system.refuse([400]);
    hand_in(&hub, json!([{ "number": "3", "group": "G8" }])).await;
    let error = status(&hub).await["last_error"].clone();
    assert_eq!((&error["class"], &error["operation"]), (&json!("said_no"), &json!("get_group")));

    // Five failures open the breaker; those who try fail twice.
    system.refuse([503; 7]);
    hand_in(&hub, json!([{ "number": "4", "group": "G2" }])).await;
    let shut = wait::until("the breaker is open", PATIENCE, || async {
        let breakers = status(&hub).await["breakers"].clone();
        (breakers[0]["state"] != "Closed").then(|| breakers[0].clone())
    })
    .await;
    assert_eq!(shut["operation"], "get_group");
    let since = shut["since"].as_str().unwrap();
    let error = status(&hub).await["last_error"].clone();
    assert_eq!(error["class"], "may_have_acted");
    let doctor = Command::new(binary())
        .args(["doctor", "--url", &hub.url("")])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let doctor = String::from_utf8(doctor.stdout).unwrap();
    assert!(
        doctor.contains(&format!("the breaker of `get_group` is open since {since}")),
        "{doctor}"
    );

    until_there(&hub, 2).await;
    wait::until("the breaker is closed", PATIENCE, || async {
        (status(&hub).await["breakers"][0]["state"] == "Closed").then_some(())
    })
    .await;
    assert_eq!((told(&hub, "a breaker opened"), told(&hub, "a breaker closed")), (1, 1));
    let before = status(&hub).await;
    assert!(hub.terminate().await.success());

    // Another start knows what was said before it.
    let hub = Hub::start(folder.path(), port).await;
    let after = status(&hub).await;
    for what in ["last_success", "last_error"] {
        assert_eq!(after[what], before[what], "{what}");
    }
    assert!(hub.terminate().await.success());
}
