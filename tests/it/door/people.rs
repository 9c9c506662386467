//! Colleagues, teams and tags over the API.

use balie::model::Role;
use serde_json::json;

use crate::at_the_door;
use crate::door::server::PASSWORD;
use crate::support;

at_the_door! {
    async fn an_admin_adds_changes_and_puts_out_people(house) {
        let chief = house.signed_in("Chief", Role::Admin).await;
        let new = json!({ "email": "Ann@Example.org", "name": "Ann", "role": "agent", "password": PASSWORD, "locale": "nl" });
        let ann = chief.post("/api/users", new.clone()).await.must_be(201);
        assert_eq!(ann["email"], "ann@example.org");
        chief.post("/api/users", new).await.must_refuse(409, "user.email_taken");
        let browser = house.sign_in("Ann").await;
        let made = browser.post("/api/tokens", json!({ "name": "t" })).await.must_be(201);
        let script = browser.with_token(made["token"].as_str().unwrap());

        let path = format!("/api/users/{}", ann["id"].as_str().unwrap());
        let changed = chief.call("PATCH", &path, json!({ "role": "supervisor" })).await.must_be(200);
        assert_eq!(changed["role"], "supervisor");
        assert_eq!(browser.get("/api/me").await.must_be(200)["role"], "supervisor");

        chief.call("PATCH", &path, json!({ "enabled": false })).await.must_be(200);
        browser.get("/api/me").await.must_refuse(401, "session.required");
        script.get("/api/me").await.must_refuse(401, "token.unknown");
        assert_eq!(house.stranger().try_sign_in("ann", PASSWORD).await.status, 401);

        chief.call("PATCH", &path, json!({ "enabled": true, "password": "een nieuw wachtwoord" })).await.must_be(200);
        assert_eq!(house.stranger().try_sign_in("ann", "een nieuw wachtwoord").await.status, 200);
        script.get("/api/me").await.must_refuse(401, "token.unknown");
    }

    async fn nonsense_about_people_is_refused_with_its_name(house) {
        let chief = house.signed_in("Chief", Role::Admin).await;
        let new = |email: &str, name: &str, password: &str| json!({ "email": email, "name": name, "role": "agent", "password": password });
        for (email, name, password, code) in [
            ("no address", "Ann", PASSWORD, "user.email"),
            ("ann@example.org", "  ", PASSWORD, "name.invalid"),
            ("ann@example.org", "Ann", "kort", "user.password"),
            ("ann.de.vries@example.org", "Ann", "ann.de.vries@example.org", "user.password"),
        ] {
            chief.post("/api/users", new(email, name, password)).await.must_refuse(422, code);
        }
        let unknown = "/api/users/01a20000-0000-7000-8000-000000000000";
        chief.call("PATCH", unknown, json!({ "name": "x" })).await.must_refuse(404, "not_found");
        chief.call("PATCH", "/api/users/me", json!({ "name": "x" })).await.must_refuse(404, "not_found");
        chief.post("/api/users", json!({ "email": "a@b.nl", "name": "A", "role": "root", "password": PASSWORD })).await.must_refuse(422, "body.invalid");
    }

    async fn there_is_always_an_admin(house) {
        let chief = house.signed_in("Chief", Role::Admin).await;
        let users = chief.get("/api/users").await.must_be(200);
        let id_of = |email: &str| {
            users.as_array().unwrap().iter().find(|user| user["email"] == email).unwrap()["id"].as_str().unwrap().to_owned()
        };
        let (first, own) = (id_of("admin@localhost"), id_of("chief@example.org"));
        chief.call("PATCH", &format!("/api/users/{first}"), json!({ "enabled": false })).await.must_be(200);
        for change in [json!({ "role": "agent" }), json!({ "enabled": false })] {
            chief.call("PATCH", &format!("/api/users/{own}"), change).await.must_refuse(409, "user.last_admin");
        }
        chief.get("/api/me").await.must_be(200);
    }

    async fn teams_have_names_and_members(house) {
        let chief = house.signed_in("Chief", Role::Admin).await;
        let sanne = house.signed_in("Sanne", Role::Agent).await;
        let id = sanne.get("/api/me").await.body["id"].clone();
        let team = chief.post("/api/teams", json!({ "name": "Evening" })).await.must_be(201);
        chief.post("/api/teams", json!({ "name": "Evening" })).await.must_refuse(409, "team.name_taken");
        let path = format!("/api/teams/{}", team["id"].as_str().unwrap());
        let changed = chief.call("PATCH", &path, json!({ "name": "Night", "member_ids": [id] })).await.must_be(200);
        assert_eq!((&changed["name"], &changed["member_ids"][0]), (&json!("Night"), &id));
        assert_eq!(sanne.get("/api/me").await.body["teams"][0]["name"], "Night");
        chief.call("DELETE", &path, json!(null)).await.must_be(204);
        chief.call("DELETE", &path, json!(null)).await.must_refuse(404, "not_found");
        assert_eq!(sanne.get("/api/me").await.body["teams"], json!([]));
    }

    async fn what_one_team_alone_may_see_never_becomes_everybodys(house) {
        let chief = house.signed_in("Chief", Role::Admin).await;
        let sanne = house.signed_in("Sanne", Role::Agent).await;
        let account = support::connect(&house.running.store, "hr").await;
        house.desk.ingest(&account, "n", &support::batch_of(support::mention("1", "anna", "ik ben ziek", 0))).await.unwrap();
        let hr = chief.post("/api/teams", json!({ "name": "HR" })).await.must_be(201)["id"].clone();
        let other = chief.post("/api/teams", json!({ "name": "Board" })).await.must_be(201)["id"].clone();
        let team = |id: &serde_json::Value| format!("/api/teams/{}", id.as_str().unwrap());
        let at = format!("/api/accounts/{}", account.id);
        let count = async || sanne.get("/api/conversations").await.must_be(200)["items"].as_array().unwrap().len();
        assert_eq!(count().await, 1);
        chief.call("PATCH", &at, json!({ "team_ids": [hr, other, hr] })).await.must_be(200);
        chief.call("DELETE", &team(&other), json!(null)).await.must_be(204);
        chief.call("DELETE", &team(&hr), json!(null)).await.must_refuse(409, "team.only_grant");
        // A page that still shows the team that is gone.
        chief.call("PATCH", &at, json!({ "team_ids": [other] })).await.must_refuse(422, "account.team_unknown");
        assert_eq!(chief.get(&at).await.must_be(200)["team_ids"], json!([hr]));
        assert_eq!(count().await, 0);

        // What is disconnected cannot be given to another team any more, and stays out of sight without one.
        chief.call("DELETE", &at, json!(null)).await.must_be(204);
        assert_eq!(count().await, 0);
        chief.call("DELETE", &team(&hr), json!(null)).await.must_be(204);
        assert_eq!(count().await, 0);
        assert_eq!(chief.get("/api/conversations").await.must_be(200)["items"].as_array().unwrap().len(), 1);
    }

    async fn tags_are_named_once_in_any_case_and_archived_rather_than_lost(house) {
        let chief = house.signed_in("Chief", Role::Admin).await;
        let sanne = house.signed_in("Sanne", Role::Agent).await;
        let tag = sanne.post("/api/tags", json!({ "name": "Levering", "color": "teal" })).await.must_be(201);
        sanne.post("/api/tags", json!({ "name": "levering" })).await.must_refuse(409, "tag.name_taken");
        sanne.post("/api/tags", json!({ "name": " " })).await.must_refuse(422, "tag.name");
        sanne.post("/api/tags", json!({ "name": "x", "color": "red;background:url(//evil)" })).await.must_refuse(422, "tag.color");
        let path = format!("/api/tags/{}", tag["id"].as_str().unwrap());
        sanne.call("PATCH", &path, json!({ "archived": true })).await.must_refuse(403, "role.insufficient");
        assert_eq!(chief.call("PATCH", &path, json!({ "archived": true })).await.must_be(200)["archived"], true);
        assert_eq!(sanne.get("/api/tags").await.must_be(200)[0]["archived"], true);
    }
}
