//! The description of the API says what the router serves, all of it, and nothing else.

use std::collections::BTreeSet;

use serde_json::Value;

fn document() -> Value {
    serde_json::from_str(&balie::http::openapi::json()).unwrap()
}

/// `METHOD /path` of everything the router has below `/api`.
fn routes() -> BTreeSet<String> {
    let source = include_str!("../../../src/http/router.rs");
    let api =
        &source[source.find("let api = Router::new()").unwrap()..source.find(".method_not_allowed_fallback").unwrap()];
    let mut found = BTreeSet::new();
    for line in api.lines().filter(|line| line.trim().starts_with(".route(\"")) {
        let path = line.split('"').nth(1).unwrap();
        for method in ["get", "post", "put", "patch", "delete"] {
            if line.contains(&format!(" {method}(")) || line.contains(&format!(").{method}(")) {
                found.insert(format!("{} /api{path}", method.to_uppercase()));
            }
        }
    }
    assert!(found.len() > 40, "{found:?}");
    found
}

#[test]
fn what_is_served_is_described_and_what_is_described_is_served() {
    let mut described = BTreeSet::new();
    for (path, methods) in document()["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            described.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    let mut served = routes();
    served.remove("GET /api/openapi.json");
    assert_eq!(served, described);
}

#[test]
fn every_reference_leads_somewhere_and_the_sockets_words_are_in_the_same_document() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for name in [
        "Problem",
        "Me",
        "ConversationRow",
        "Message",
        "ClientMessage",
        "ServerMessage",
        "Event",
        "Load",
        "Account",
        "Channel",
    ] {
        assert!(schemas.contains_key(name), "{name} is missing: {:?}", schemas.keys());
    }
    let text = document.to_string();
    for reference in text.split("\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(schemas.contains_key(name), "{name} leads nowhere");
    }
}

#[test]
fn no_schema_has_a_place_for_a_secret_in_an_answer() {
    let document = document();
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        let fields: Vec<&String> = schema["properties"].as_object().into_iter().flat_map(|p| p.keys()).collect();
        for field in fields {
            let asks = ["Credentials", "PasswordChange", "NewUser", "UserChange"].contains(&name.as_str());
            assert!(
                asks || !["password", "password_hash", "secrets", "secret", "hash"].contains(&field.as_str()),
                "{name}.{field}"
            );
        }
    }
}
