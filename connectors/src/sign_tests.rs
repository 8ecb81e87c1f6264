//! Tests of the signer and the verifier.

use std::collections::BTreeMap;

use orderhub_lang::expression::compile;

use super::*;
use crate::contract::{Idempotency, NO_SESSION};

fn template(text: &str) -> Template {
    Template::parse(text, SIGNER_NAMES).unwrap()
}

fn request(url: &str, body: &'static [u8]) -> Request {
    Request {
        step: "s".to_owned(),
        method: "POST",
        url: url.to_owned(),
        headers: Vec::new(),
        body: bytes::Bytes::from_static(body),
        idempotency: Idempotency::Safe,
        limit: "default".to_owned(),
        limit_key: None,
        own: None,
        timeout: std::time::Duration::from_secs(1),
    }
}

fn with<T>(secrets: &[(&str, &[&str])], use_: impl FnOnce(&Credentials<'_>) -> T) -> T {
    let settings = BTreeMap::from([("app".to_owned(), "A1".to_owned())]);
    let secret = |name: &str| {
        let found = secrets.iter().find(|(known, _)| *known == name);
        found
            .map(|(_, values)| values.iter().map(|v| (*v).to_owned()).collect())
            .unwrap_or_default()
    };
    use_(&Credentials {
        secret: &secret,
        settings: &settings,
        now: 1_700_000_000,
        nonce: "n1",
        session: NO_SESSION,
    })
}

/// Signature V4 of Amazon Web Services: what is signed of a request without parameters, by the headers `host` and `x-amz-date`.
const AWS: &str = "AWS4-HMAC-SHA256 Credential={settings.key}/{part(utc, 0, 8)}/us-east-1/service/aws4_request, \
    SignedHeaders=host;x-amz-date, Signature={hex(hmac_sha256(hmac_sha256(hmac_sha256(hmac_sha256(hmac_sha256(\
    'AWS4' + secret.aws, part(utc, 0, 8)), 'us-east-1'), 'service'), 'aws4_request'), 'AWS4-HMAC-SHA256\n' + utc + '\n' \
    + part(utc, 0, 8) + '/us-east-1/service/aws4_request\n' + hex(sha256(method + '\n' + path + '\n' + query + \
    '\nhost:' + host + '\nx-amz-date:' + utc + '\n\nhost;x-amz-date\n' + hex(sha256(raw))))))}";

#[test]
fn the_published_vectors_of_aws_are_a_template() {
    // aws-sig-v4-test-suite: get-vanilla and post-vanilla.
    let signer = Signer {
        headers: vec![
            ("x-amz-date".into(), template("{utc}")),
            ("authorization".into(), template(AWS)),
        ],
        ..Signer::default()
    };
    let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    let secret = |_: &str| vec![secret.to_owned()];
    let settings = BTreeMap::from([("key".to_owned(), "AKIDEXAMPLE".to_owned())]);
    // 2015-08-30T12:36:00Z
    let with = Credentials {
        secret: &secret,
        settings: &settings,
        now: 1_440_938_160,
        nonce: "",
        session: NO_SESSION,
    };
    for (method, signature) in [
        ("GET", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("POST", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    ] {
        let mut request = Request { method, ..request("https://example.amazonaws.com/", b"") };
        signer.apply(&mut request, &with).unwrap();
        let added: Vec<&str> = request.headers.iter().map(|(_, value)| value.as_str()).collect();
        let credential = "Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date";
        let proof = format!("AWS4-HMAC-SHA256 {credential}, Signature={signature}");
        assert_eq!(added, ["20150830T123600Z", proof.as_str()], "{method}");
    }
}

#[test]
fn vendors_signatures_are_templates_over_the_exact_bytes() {
    let signer = Signer {
        headers: vec![
            (
                "x-sign".into(),
                template("{upper(hex(md5(raw + text(now) + settings.app + secret.k)))}"),
            ),
            (
                "x-hex-then-base64".into(),
                template("{base64(hex(hmac_sha256(secret.k, method + path + query + nonce)))}"),
            ),
        ],
        query: vec![("sign".into(), template("{base64(sha256(secret.k))}"))],
        form: vec![("t".into(), template("{now}"))],
        basic: Some((template("{settings.app}"), template("{secret.k}"))),
        encoded: false,
        body: Vec::new(),
    };
    let mut sent = request("https://x.example.com/a/b?c=1", b"p=1");
    with(&[("k", &["K"])], |with| signer.apply(&mut sent, with)).unwrap();
    // Computed by another implementation from the formulas above: headers cover what was added before them.
    let expected = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("x-sign", "6D7201E7164326D160A3FBB022CD49A0"),
        (
            "x-hex-then-base64",
            "NTcyZjgzMDViYTNlYmNjY2QyMzE2NmYxMGNhNjY4YTg1ZmM5NDQ2ODgzMDk5MDNiYTZmOWNmN2M1NzhkNmI0Yw==",
        ),
        ("authorization", "Basic QTE6Sw=="),
    ];
    for ((name, value), (expected_name, expected)) in sent.headers.iter().zip(expected) {
        assert_eq!((name.as_str(), value.as_str()), (expected_name, expected));
    }
    assert_eq!(
        sent.url,
        "https://x.example.com/a/b?c=1&sign=hr6aVXYtMWowJsKDbQRPX8duNNoQ4bRf7uXxi%2BftsXc%3D"
    );
    assert_eq!(sent.body, "p=1&t=1700000000");
}

#[test]
fn a_missing_secret_is_named_and_nothing_is_added() {
    let signer =
        Signer { headers: vec![("a".into(), template("{secret.token}"))], ..Signer::default() };
    let mut sent = request("https://x.example.com/", b"");
    let error = with(&[("token", &[""])], |with| signer.apply(&mut sent, with)).unwrap_err();
    assert_eq!(error, BuildError::Secret("token".to_owned()));
    assert!(sent.headers.is_empty());
}

#[test]
fn a_secret_with_a_line_break_cannot_add_a_header() {
    let signer =
        Signer { headers: vec![("a".into(), template("{secret.token}"))], ..Signer::default() };
    let mut sent = request("https://x.example.com/", b"");
    let error =
        with(&[("token", &["T\r\nx: y"])], |with| signer.apply(&mut sent, with)).unwrap_err();
    // The sentence names the place and never the value.
    assert!(matches!(&error, BuildError::Step { why, .. } if !why.contains("x: y")));
}

#[test]
fn a_verifier_takes_every_current_value_and_no_other() {
    let verifier = Verifier {
        got: compile("headers.x-token", VERIFIER_NAMES).unwrap(),
        format: Format::Json,
        want: Template::parse("{secret.token}", VERIFIER_NAMES).unwrap(),
    };
    let verify = |token: &str, values: &[&str]| {
        let headers = [("x-token".to_owned(), token.to_owned())];
        let hook = Webhook {
            path: "",
            query: "",
            headers: &headers,
            body: &bytes::Bytes::from_static(b"\xff\xfe"),
        };
        with(&[("token", values)], |with| verifier.verify(&hook, with))
    };
    assert_eq!(verify("new", &["new", "old"]), Ok(()));
    assert_eq!(verify("old", &["new", "old"]), Ok(()));
    assert_eq!(verify("older", &["new", "old"]), Err(VerifyError::Signature));
    assert_eq!(verify("", &[""]), Err(VerifyError::Signature));
    assert_eq!(verify("x", &[]), Err(VerifyError::Secret("token".to_owned())));
}

#[test]
fn bytes_that_are_no_text_are_signed_as_they_are() {
    let verifier = Verifier {
        got: compile("headers.x-sign", VERIFIER_NAMES).unwrap(),
        format: Format::Json,
        want: Template::parse("{hex(hmac_sha256(secret.k, raw))}", VERIFIER_NAMES).unwrap(),
    };
    let headers = [(
        "X-Sign".to_owned(),
        "96ca12745e27b33960a2b15795c1cd7aa737db27365b0e1e929858406251821e".to_owned(),
    )];
    let hook = Webhook {
        path: "",
        query: "",
        headers: &headers,
        body: &bytes::Bytes::from_static(b"\xff\x00"),
    };
    assert_eq!(with(&[("k", &["K"])], |with| verifier.verify(&hook, with)), Ok(()));
}
