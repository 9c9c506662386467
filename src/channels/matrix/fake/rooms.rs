//! Making rooms, going in and out, and what is sent there.

use serde_json::{Value, json};

use super::routes::{Answer, Call, ok, refuse};
use super::world::World;

impl World {
    /// A room with people in it, whoever may have invited them.
    pub fn open(&mut self, id: &str, by: &str, others: &[&str], more: &Value) {
        let by = self.id(by);
        self.found(id, &by, more);
        for other in others {
            let other = self.id(other);
            if more["direct"].as_bool() == Some(true) {
                self.direct(&by, &other, id);
                self.direct(&other, &by, id);
            }
            self.enter(id, &other, "join", &other, false);
        }
    }

    fn direct(&mut self, user: &str, peer: &str, room: &str) {
        let key = (user.to_owned(), "m.direct".to_owned());
        let mut people = self.data.get(&key).map_or_else(|| json!({}), |(_, content)| content.clone());
        match people[peer].as_array_mut() {
            Some(rooms) => rooms.push(room.into()),
            None => people[peer] = json!([room]),
        }
        self.set_data(user, "m.direct", people);
    }

    fn found(&mut self, id: &str, by: &str, more: &Value) {
        let empty = || Some(String::new());
        let mut create = more["creation_content"].as_object().cloned().unwrap_or_default();
        create.insert("room_version".to_owned(), "12".into());
        self.emit(id, "m.room.create", by, empty(), Value::Object(create), None);
        self.enter(id, by, "join", by, false);
        self.emit(id, "m.room.power_levels", by, empty(), json!({"users": {by: 100}, "events_default": 0}), None);
        if let Some(name) = more["name"].as_str() {
            self.emit(id, "m.room.name", by, empty(), json!({"name": name}), None);
        }
        if more["encrypted"].as_bool() == Some(true) {
            self.emit(id, "m.room.encryption", by, empty(), json!({"algorithm": "m.megolm.v1.aes-sha2"}), None);
        }
    }

    fn enter(&mut self, room: &str, user: &str, membership: &str, by: &str, direct: bool) {
        let mut content = json!({"membership": membership});
        if let Some(known) = self.users.get(user) {
            content["displayname"] = known.display.clone().into();
        }
        if direct {
            content["is_direct"] = true.into();
        }
        self.emit(room, "m.room.member", by, Some(user.to_owned()), content, None);
    }

    pub fn create(&mut self, me: &str, call: &Call<'_>) -> Answer {
        let id = format!("!fakeroom{}", self.step());
        self.found(&id, me, &call.body);
        for initial in call.body["initial_state"].as_array().into_iter().flatten() {
            let (kind, key) =
                (initial["type"].as_str().unwrap_or_default(), initial["state_key"].as_str().unwrap_or_default());
            self.emit(&id, kind, me, Some(key.to_owned()), initial["content"].clone(), None);
        }
        if call.body["preset"] == "public_chat" {
            self.emit(&id, "m.room.join_rules", me, Some(String::new()), json!({"join_rule": "public"}), None);
        }
        let direct = call.body["is_direct"].as_bool() == Some(true);
        for invited in call.body["invite"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            self.enter(&id, invited, "invite", me, direct);
        }
        ok(json!({"room_id": id}))
    }

    pub fn join(&mut self, me: &str, id: &str) -> Answer {
        let Some(room) = self.rooms.get(id) else { return refuse(404, "M_NOT_FOUND", "No such room") };
        let public =
            room.state("m.room.join_rules", "").is_some_and(|event| event.json["content"]["join_rule"] == "public");
        match room.membership(me) {
            "join" => {}
            "invite" => self.enter(id, me, "join", me, false),
            _ if public => self.enter(id, me, "join", me, false),
            _ => return refuse(403, "M_FORBIDDEN", "You are not invited to this room."),
        }
        ok(json!({"room_id": id}))
    }

    pub fn member(&mut self, me: &str, id: &str, act: &str, call: &Call<'_>) -> Answer {
        let whom = call.body["user_id"].as_str().unwrap_or(me).to_owned();
        let membership = match act {
            "invite" => "invite",
            "ban" => "ban",
            _ => "leave",
        };
        self.enter(id, &whom, membership, me, false);
        ok(json!({}))
    }

    /// Sends an event; the same transaction of the same device is the same event.
    pub fn send(
        &mut self,
        (me, device): (&str, &str),
        (room, kind, transaction): (&str, &str, &str),
        content: Value,
    ) -> Answer {
        let key = (device.to_owned(), format!("{room}/{transaction}"));
        if let Some(id) = self.transactions.get(&key) {
            return ok(json!({"event_id": id}));
        }
        if let Some(refused) = self.refused(me, room, &content) {
            return refused;
        }
        let id = self.emit(room, kind, me, None, content, Some((device.to_owned(), transaction.to_owned())));
        self.transactions.insert(key, id.clone());
        ok(json!({"event_id": id}))
    }

    fn refused(&self, me: &str, room: &str, content: &Value) -> Option<Answer> {
        let room = self.rooms.get(room)?;
        if room.membership(me) != "join" {
            return Some(refuse(403, "M_FORBIDDEN", "User not in room"));
        }
        if !room.may_speak(me) {
            return Some(refuse(403, "M_FORBIDDEN", "You don't have permission to post that to the room."));
        }
        (content.to_string().len() > 65_000).then(|| refuse(413, "M_TOO_LARGE", "event too large"))
    }

    pub fn take_away(
        &mut self,
        (me, device): (&str, &str),
        (room, target, transaction): (&str, &str, &str),
        reason: &str,
    ) -> Answer {
        let key = (device.to_owned(), format!("{room}/redact/{transaction}"));
        if let Some(id) = self.transactions.get(&key) {
            return ok(json!({"event_id": id}));
        }
        if let Some(refused) = self.refused(me, room, &Value::Null) {
            return refused;
        }
        let Some(author) =
            self.rooms.get(room).and_then(|known| known.find(target)).map(|event| event.json["sender"].clone())
        else {
            return refuse(404, "M_NOT_FOUND", "Event not found.");
        };
        if author != me {
            return refuse(403, "M_FORBIDDEN", "You don't have permission to redact events");
        }
        let id = self.redact(room, me, target, reason, Some((device.to_owned(), transaction.to_owned())));
        self.transactions.insert(key, id.clone());
        ok(json!({"event_id": id}))
    }
}
