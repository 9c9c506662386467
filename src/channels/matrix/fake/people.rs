//! Who has an account, and who is signed in.

use serde_json::{Value, json};

use super::routes::{Answer, Call, refuse};
use super::world::{User, World};

impl World {
    /// Somebody with an account; known names keep theirs.
    pub fn person(&mut self, name: &str, display: &str) -> Value {
        let user = self.id(name);
        let password = format!("{name}-pass");
        self.users
            .entry(user.clone())
            .or_insert_with(|| User { display: display.to_owned(), password: password.clone() });
        let device = format!("DEVICE{}", name.to_uppercase());
        let (token, _) = self.sign_in(&user, &device, false);
        json!({"user_id": user, "password": password, "access_token": token, "device_id": device})
    }

    /// A new token for a device; its old ones end.
    fn sign_in(&mut self, user: &str, device: &str, refreshable: bool) -> (String, Option<String>) {
        let mine = (user.to_owned(), device.to_owned());
        self.tokens.retain(|_, of| *of != mine);
        self.refresh.retain(|_, of| *of != mine);
        self.tokens_of(mine, refreshable)
    }

    fn tokens_of(&mut self, mine: (String, String), refreshable: bool) -> (String, Option<String>) {
        let token = format!("fake_access_{}", uuid::Uuid::new_v4().simple());
        self.tokens.insert(token.clone(), mine.clone());
        let refresh = refreshable.then(|| format!("fake_refresh_{}", uuid::Uuid::new_v4().simple()));
        if let Some(refresh) = &refresh {
            self.refresh.insert(refresh.clone(), mine);
        }
        (token, refresh)
    }

    pub fn log_out(&mut self, user: &str) {
        self.tokens.retain(|_, (of, _)| of != user);
        self.refresh.retain(|_, (of, _)| of != user);
    }

    pub fn expire(&mut self, user: &str) {
        self.tokens.retain(|_, (of, _)| of != user);
    }

    pub fn devices(&self, user: &str) -> Vec<String> {
        let mut devices: Vec<_> =
            self.tokens.values().filter(|(of, _)| of == user).map(|(_, device)| device.clone()).collect();
        devices.sort_unstable();
        devices.dedup();
        devices
    }

    pub fn secrets(&self, user: &str) -> Vec<String> {
        let tokens = self.tokens.iter().chain(&self.refresh).filter(|(_, (of, _))| of == user);
        let mut secrets: Vec<String> = tokens.map(|(token, _)| token.clone()).collect();
        secrets.extend(self.users.get(user).map(|user| user.password.clone()));
        secrets
    }

    pub fn login(&mut self, call: &Call<'_>) -> Answer {
        if call.body["type"] != "m.login.password" {
            return refuse(400, "M_UNKNOWN", "Unknown login type");
        }
        let named = call.body["identifier"]["user"].as_str().or_else(|| call.body["user"].as_str()).unwrap_or_default();
        let user = self.id(named);
        let right = self.users.get(&user).is_some_and(|known| call.body["password"] == known.password.as_str());
        if !right {
            return refuse(403, "M_FORBIDDEN", "Invalid username or password");
        }
        let device = call.body["device_id"].as_str().map_or_else(|| format!("NEW{}", self.step()), str::to_owned);
        let refreshable = call.body["refresh_token"].as_bool() == Some(true);
        let (token, refresh) = self.sign_in(&user, &device, refreshable);
        let mut answer = json!({"user_id": user, "access_token": token, "device_id": device});
        if let Some(refresh) = refresh {
            answer["refresh_token"] = refresh.into();
            answer["expires_in_ms"] = 300_000.into();
        }
        Answer::Json(200, answer)
    }

    pub fn renew(&mut self, call: &Call<'_>) -> Answer {
        // A refresh token is good once.
        let Some(mine) = call.body["refresh_token"].as_str().and_then(|token| self.refresh.remove(token)) else {
            return refuse(403, "M_FORBIDDEN", "invalid refresh token");
        };
        self.tokens.retain(|_, of| *of != mine);
        let (token, refresh) = self.tokens_of(mine, true);
        Answer::Json(200, json!({"access_token": token, "refresh_token": refresh, "expires_in_ms": 300_000}))
    }
}
