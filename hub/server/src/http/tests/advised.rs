//! What `why` and refusals tell people to type about a todo is taken as it stands.

use axum::http::{Method, StatusCode};
use orderhub_order::fold::{Act, PersonAct, ReceiptClass};

use super::todo::{erp, order_for_the_erp};
use super::{Answer, Running};
use crate::cli::{commands_in, is_typed};

impl Running {
    /// Does what a command on todos does.
    async fn typed(&self, command: &str) -> Answer {
        let words: Vec<&str> = command.split_whitespace().collect();
        let ["orderhub", "todo", act, id, options @ ..] = words.as_slice() else {
            panic!("{command}")
        };
        let again = match options {
            ["--again", ..] => "&again=true",
            ["--done", ..] => "&again=false",
            _ => "",
        };
        let path = match *act {
            "show" => return self.get(&format!("/api/v1/todo/{id}")).await,
            "replay" => format!("/api/v1/todo/{id}/replay"),
            act => format!("/api/v1/todo/{id}/{act}?reason=x{again}"),
        };
        assert_eq!(options.contains(&"--reason"), *act != "replay", "{command}");
        self.call(Method::POST, &path, "").await
    }
}

/// The commands on todos that `why` of the order's ERP names.
async fn advised(hub: &Running) -> Vec<String> {
    let why = hub.get("/api/v1/orders/1001/why?system=erp").await.body;
    let told = why["items"][0]["do"].as_array().unwrap().clone();
    let told = told.iter().flat_map(|one| commands_in(one.as_str().unwrap()));
    let about =
        |command: &String| command.starts_with("orderhub todo ") && !command.contains(" list ");
    told.filter(about).collect()
}

/// The verbs of the commands.
fn acts(commands: &[String]) -> Vec<&str> {
    commands.iter().filter_map(|command| command.split_whitespace().nth(2)).collect()
}

#[tokio::test]
async fn what_is_advised_about_a_call_is_taken() {
    for class in [ReceiptClass::InDoubt, ReceiptClass::SaidNo] {
        for at in 0..3 {
            let (hub, key) = order_for_the_erp().await;
            hub.attempt(key, class).await;
            let commands = advised(&hub).await;
            assert_eq!(acts(&commands), ["show", "resolve", "resolve"], "{commands:?}");
            let answer = hub.typed(&commands[at]).await;
            assert_eq!(answer.status, StatusCode::OK, "{}: {}", commands[at], answer.body);
        }
    }
}

#[tokio::test]
async fn what_is_advised_about_a_call_that_is_over_is_taken() {
    let (hub, key) = order_for_the_erp().await;
    hub.attempt(key, ReceiptClass::InDoubt).await;
    let settle = PersonAct::Settle { system: erp(), again: true, about: None };
    hub.act(key, Act::Person(settle), None).await;
    let commands = advised(&hub).await;
    assert_eq!(acts(&commands), ["show", "discard"], "{commands:?}");
    let answer = hub.typed(&commands[1]).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
}

#[tokio::test]
async fn what_was_given_up_is_said_whatever_became_of_its_todo() {
    let (hub, key) = order_for_the_erp().await;
    hub.attempt_of(key, ReceiptClass::SaidNo, false).await;
    let id = hub.newest().await["id"].clone();
    let why = async || hub.get("/api/v1/orders/1001/why?system=erp").await.body["items"][0].clone();
    for discarded in [false, true] {
        let why = why().await;
        let says = why["why"].as_str().unwrap();
        let lacks = "not sent: the change of version 1 by `order.accepted/create_sale`";
        assert!(says.contains(lacks), "{why}");
        assert_eq!(why["code"], "dead", "{why}");
        let advice = why["do"].to_string();
        let commands = commands_in(&advice.replace("\\\"", "\""));
        assert!(commands.iter().all(|command| is_typed(command)), "{commands:?}");
        let sends = "orderhub order resend shop_eu-1001 erp --reason …";
        assert!(commands.iter().any(|command| command == sends), "{commands:?}");
        if !discarded {
            // No call waits for a decision: the error says how it is sent.
            let path = format!("/api/v1/todo/{id}/resolve?reason=x&again=true");
            let refused = hub.call(Method::POST, &path, "").await;
            assert_eq!(refused.body["code"], "nothing_to_settle", "{}", refused.body);
            let detail = refused.body["detail"].as_str().unwrap();
            let commands = commands_in(detail);
            assert!(commands.iter().all(|command| is_typed(command)), "{commands:?}");
            assert!(commands[0].starts_with("orderhub order resend shop_eu-1001 erp"), "{detail}");
            let path = format!("/api/v1/todo/{id}/discard?reason=x");
            assert_eq!(hub.call(Method::POST, &path, "").await.status, StatusCode::OK);
        }
    }
    let path = "/api/v1/orders/1001/lanes/erp/resend?reason=x";
    for outcome in ["applied", "unchanged"] {
        let sent = hub.call(Method::POST, path, "").await;
        assert_eq!(sent.body["outcome"], outcome, "{}", sent.body);
    }
    // It is wanted by now, and no command that would be refused is named.
    let why = why().await;
    assert!(!why.to_string().contains("not sent:"), "{why}");
    assert!(!why["do"].to_string().contains("order resend"), "{why}");
}

#[tokio::test]
async fn a_held_create_is_not_to_be_sent_again_beside_its_todo() {
    let (hub, key) = order_for_the_erp().await;
    hub.attempt(key, ReceiptClass::SaidNo).await;
    let why = hub.get("/api/v1/orders/1001/why?system=erp").await.body["items"][0].clone();
    assert!(!why["do"].to_string().contains("order resend"), "it would be refused: {why}");
    assert!(why["do"].to_string().contains("todo resolve"), "{why}");
}

#[tokio::test]
async fn a_refusal_names_commands_that_are_taken() {
    let (hub, key) = order_for_the_erp().await;
    hub.attempt(key, ReceiptClass::InDoubt).await;
    let id = hub.newest().await["id"].clone();
    for act in ["replay", "discard?reason=x"] {
        let path = format!("/api/v1/todo/{id}/{act}");
        let refused = hub.call(Method::POST, &path, "").await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{act}");
        let commands = commands_in(refused.body["detail"].as_str().unwrap());
        assert_eq!(acts(&commands), ["resolve", "resolve"], "{commands:?}");
    }
    let commands = advised(&hub).await;
    assert_eq!(hub.typed(&commands[2]).await.status, StatusCode::OK);
}
