//! Signing in and staying in.

use std::time::Duration;

use balie::desk::people::{self, IDLE, LONGEST, PeopleError, UserChange};
use balie::model::Role;
use balie::secret::{self, Secret};
use balie::store::Actor;
use serde_json::json;

use crate::at_the_door;
use crate::door::server::PASSWORD;

fn password(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

fn replaced(by: &str) -> UserChange {
    UserChange { password: Some(password(by)), ..UserChange::default() }
}

at_the_door! {
    async fn who_was_recognised_by_a_password_that_is_replaced_before_they_are_in_stays_out(house) {
        let store = &house.running.store;
        let sanne = house.person("Sanne", Role::Agent, vec![]).await;
        let known = people::recognise(store, &sanne.email, password(PASSWORD)).await.unwrap().unwrap();
        people::change_user(store, Actor::System, sanne.id, replaced("van de beheerder"), None).await.unwrap();
        assert!(people::admit(store, &known, "browser", None).await.unwrap().is_none());

        let known = people::recognise(store, &sanne.email, password("van de beheerder")).await.unwrap().unwrap();
        assert!(people::admit(store, &known, "browser", None).await.unwrap().is_some());
        let out = UserChange { active: Some(false), ..UserChange::default() };
        people::change_user(store, Actor::System, sanne.id, out, None).await.unwrap();
        assert!(people::admit(store, &known, "browser", None).await.unwrap().is_none());
    }

    async fn a_former_password_and_an_ended_session_leave_nothing_behind(house) {
        let store = &house.running.store;
        let sanne = house.person("Sanne", Role::Agent, vec![]).await;
        let (cookie, known) = people::sign_in(store, &sanne.email, password(PASSWORD), "", None).await.unwrap().unwrap();
        let session = secret::fingerprint(cookie.expose());
        // Both were asked for before an admin chose another password, and come to it after.
        people::change_user(store, Actor::System, sanne.id, replaced("van de beheerder"), None).await.unwrap();
        let own = people::change_password(store, &known, password(PASSWORD), password("nog een lange zin"), Some(&session));
        assert!(!own.await.unwrap(), "the admin's stands");
        let token = people::add_token(store, sanne.id, Some(&session), "later", None).await;
        assert!(matches!(token, Err(PeopleError::NotFound("session"))));
        assert!(people::recognise(store, &sanne.email, password("van de beheerder")).await.unwrap().is_some());
    }

    async fn signing_in_gives_a_cookie_that_no_script_can_read(house) {
        house.person("Sanne", Role::Agent, vec![]).await;
        let mut sanne = house.stranger();
        sanne.get("/api/me").await.must_refuse(401, "session.required");
        let answer = sanne.try_sign_in("SANNE@Example.org ", PASSWORD).await;
        let cookie = answer.headers["set-cookie"].to_str().unwrap().to_owned();
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && cookie.contains("Path=/"), "{cookie}");
        assert_eq!(answer.must_be(200)["name"], "Sanne");
        let me = sanne.get("/api/me").await.must_be(200);
        assert_eq!((&me["role"], &me["locale"], &me["playground"]), (&json!("agent"), &json!("nl"), &json!(false)));
        assert!(!me.to_string().contains("argon2"));
    }

    async fn a_wrong_password_and_an_unknown_address_get_the_same_answer(house) {
        house.person("Sanne", Role::Agent, vec![]).await;
        let mut stranger = house.stranger();
        let wrong = stranger.try_sign_in("sanne", "not this one").await;
        let unknown = stranger.try_sign_in("nobody", "not this one").await;
        wrong.must_refuse(401, "session.bad_credentials");
        unknown.must_refuse(401, "session.bad_credentials");
        assert_eq!(wrong.text, unknown.text);
        assert!(wrong.headers.get("set-cookie").is_none());
    }

    async fn guessing_is_stopped_and_says_for_how_long_even_to_who_then_guesses_right(house) {
        house.person("Sanne", Role::Agent, vec![]).await;
        let mut stranger = house.stranger();
        for n in 0..10 {
            stranger.try_sign_in("sanne", &format!("guess number {n}")).await.must_refuse(401, "session.bad_credentials");
        }
        let refused = stranger.try_sign_in("sanne", PASSWORD).await;
        refused.must_refuse(429, "session.too_many_tries");
        let wait: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert_eq!(refused.body["retry_after"], wait);
        house.later(Duration::from_secs(wait));
        assert_eq!(stranger.try_sign_in("sanne", PASSWORD).await.status, 200);
    }

    async fn a_session_ends_when_it_is_not_used_and_in_any_case_after_a_month(house) {
        let sanne = house.signed_in("Sanne", Role::Agent).await;
        house.later(IDLE.saturating_sub(Duration::from_secs(60)));
        sanne.get("/api/me").await.must_be(200);
        house.later(IDLE.saturating_sub(Duration::from_secs(60)));
        sanne.get("/api/me").await.must_be(200);
        house.later(IDLE);
        sanne.get("/api/me").await.must_refuse(401, "session.required");

        let daan = house.signed_in("Daan", Role::Agent).await;
        let day = Duration::from_secs(86_400);
        for _ in 0..LONGEST.as_secs() / day.as_secs() - 1 {
            house.later(day);
            daan.get("/api/me").await.must_be(200);
        }
        house.later(day);
        daan.get("/api/me").await.must_refuse(401, "session.required");
    }

    async fn who_signs_out_is_out_also_with_a_copy_of_the_cookie(house) {
        let sanne = house.signed_in("Sanne", Role::Agent).await;
        let copy = sanne.clone();
        let out = sanne.call("DELETE", "/api/session", json!(null)).await;
        assert!(out.headers["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
        out.must_be(204);
        copy.get("/api/me").await.must_refuse(401, "session.required");
        house.stranger().call("DELETE", "/api/session", json!(null)).await.must_be(204);
    }

    async fn another_password_signs_out_every_other_browser(house) {
        let here = house.signed_in("Sanne", Role::Agent).await;
        let there = house.sign_in("Sanne").await;
        let wrong = json!({ "current": "no idea at all", "new": "nog een lange zin" });
        here.post("/api/me/password", wrong).await.must_refuse(403, "password.wrong");
        let short = json!({ "current": PASSWORD, "new": "kort" });
        here.post("/api/me/password", short).await.must_refuse(422, "user.password");
        here.post("/api/me/password", json!({ "current": PASSWORD, "new": "nog een lange zin" })).await.must_be(204);
        here.get("/api/me").await.must_be(200);
        there.get("/api/me").await.must_refuse(401, "session.required");
        let mut again = house.stranger();
        assert_eq!(again.try_sign_in("sanne", PASSWORD).await.status, 401);
        assert_eq!(again.try_sign_in("sanne", "nog een lange zin").await.status, 200);
    }

    async fn a_password_that_somebody_else_chose_is_said_to_be_so_until_it_is_changed(house) {
        let chief = house.signed_in("Chief", Role::Admin).await;
        let sanne = house.signed_in("Sanne", Role::Agent).await;
        let me = sanne.get("/api/me").await.must_be(200);
        assert_eq!(me["password_temporary"], true);
        // It is a question, not a gate: everything works meanwhile.
        sanne.get("/api/conversations").await.must_be(200);
        sanne.call("PATCH", "/api/me", json!({ "name": "Sanne B" })).await.must_be(200);
        assert_eq!(sanne.get("/api/me").await.must_be(200)["password_temporary"], true);
        sanne.post("/api/me/password", json!({ "current": PASSWORD, "new": "nog een lange zin" })).await.must_be(204);
        assert_eq!(sanne.get("/api/me").await.must_be(200)["password_temporary"], false);
        let path = format!("/api/users/{}", me["id"].as_str().unwrap());
        chief.call("PATCH", &path, json!({ "password": "van de beheerder" })).await.must_be(200);
        let mut again = house.stranger();
        let answer = again.try_sign_in("sanne", "van de beheerder").await;
        assert_eq!(answer.must_be(200)["password_temporary"], true);
    }

    async fn a_token_does_what_its_owner_may_and_makes_no_tokens(house) {
        let sanne = house.signed_in("Sanne", Role::Agent).await;
        let made = sanne.post("/api/tokens", json!({ "name": "report" })).await.must_be(201);
        let token = made["token"].as_str().unwrap();
        assert!(token.starts_with("balie_") && token.len() > 40);
        let script = sanne.with_token(token);
        assert_eq!(script.get("/api/me").await.must_be(200)["name"], "Sanne");
        script.post("/api/tags", json!({ "name": "by script" })).await.must_be(201);
        script.post("/api/tokens", json!({ "name": "more" })).await.must_refuse(403, "token.by_token");
        script.post("/api/users", json!({ "email": "a@b", "name": "A", "role": "admin", "password": PASSWORD })).await.must_refuse(403, "role.insufficient");

        let listed = sanne.get("/api/tokens").await;
        assert!(!listed.text.contains(token), "a token is shown once");
        let id = listed.body[0]["id"].as_str().unwrap().to_owned();
        house.signed_in("Daan", Role::Agent).await.call("DELETE", &format!("/api/tokens/{id}"), json!(null)).await.must_refuse(404, "not_found");
        sanne.call("DELETE", &format!("/api/tokens/{id}"), json!(null)).await.must_be(204);
        script.get("/api/me").await.must_refuse(401, "token.unknown");
    }

    async fn a_password_from_an_admin_revokes_tokens_and_ones_own_choice_does_not(house) {
        let chief = house.signed_in("Chief", Role::Admin).await;
        let sanne = house.signed_in("Sanne", Role::Agent).await;
        let made = sanne.post("/api/tokens", json!({ "name": "report" })).await.must_be(201);
        let script = sanne.with_token(made["token"].as_str().unwrap());
        sanne.post("/api/me/password", json!({ "current": PASSWORD, "new": "nog een lange zin" })).await.must_be(204);
        let me = script.get("/api/me").await.must_be(200);
        let path = format!("/api/users/{}", me["id"].as_str().unwrap());
        chief.call("PATCH", &path, json!({ "password": "van de beheerder" })).await.must_be(200);
        script.get("/api/me").await.must_refuse(401, "token.unknown");
        sanne.get("/api/me").await.must_refuse(401, "session.required");
    }

    async fn a_token_stops_at_its_end(house) {
        let sanne = house.signed_in("Sanne", Role::Agent).await;
        let end = house.clock.now().0 + 60_000;
        let made = sanne.post("/api/tokens", json!({ "name": "short", "expires_at": end })).await.must_be(201);
        let script = sanne.with_token(made["token"].as_str().unwrap());
        script.get("/api/me").await.must_be(200);
        house.later(Duration::from_secs(60));
        script.get("/api/me").await.must_refuse(401, "token.unknown");
        sanne.post("/api/tokens", json!({ "name": "past", "expires_at": end })).await.must_refuse(422, "token.expired");
    }

    async fn one_keeps_ones_own_name_language_and_preferences(house) {
        let sanne = house.signed_in("Sanne", Role::Agent).await;
        let change = json!({ "name": "Sanne B.", "locale": "en", "preferences": { "density": "tight" } });
        let me = sanne.call("PATCH", "/api/me", change).await.must_be(200);
        assert_eq!((&me["name"], &me["locale"], &me["preferences"]["density"]), (&json!("Sanne B."), &json!("en"), &json!("tight")));
        sanne.call("PATCH", "/api/me", json!({ "locale": "fr" })).await.must_refuse(422, "user.locale");
        sanne.call("PATCH", "/api/me", json!({ "role": "admin" })).await.must_refuse(422, "body.invalid");
        assert_eq!(sanne.get("/api/me").await.body["role"], "agent");
        let much = json!({ "preferences": { "x": "y".repeat(70_000) } });
        sanne.call("PATCH", "/api/me", much).await.must_refuse(422, "user.preferences");
    }
}
