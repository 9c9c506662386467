//! The calls of `docs/WEBCHAT.md`, one function each.

use axum::extract::{Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::error::{Answer, Refusal};
use super::gate::{Address, Body, Known, Told};
use super::limits::What;
use crate::desk::visit::{
    Admitted, Config, Door, Line, Page, Presented, Rating, Saying, VisitStatus, VisitedPage, Welcome,
};
use crate::http::Web;
use crate::model::{AccountId, ClaimKind, MessageId, UploadId};

/// Messages of a first look.
const FIRST: i64 = 50;

#[derive(Deserialize)]
pub struct Locale {
    #[serde(default)]
    locale: String,
}

/// What is known before anybody spoke.
#[derive(Serialize)]
pub struct Announced {
    account: AccountId,
    agents_online: bool,
    transcript: Value,
    #[serde(flatten)]
    config: Config,
}

async fn config_of(web: &Web, door: &Door, locale: &str) -> Answer<Announced> {
    let mut config = door.config(locale, web.desk.clock().now())?;
    config.language = config.language.chars().take(8).collect();
    Ok(Announced {
        account: door.account.id,
        agents_online: web.hub.agents_online(),
        transcript: json!({ "download": true, "mail": web.desk.mails_transcripts(door).await? }),
        config,
    })
}

/// `GET config`
pub async fn config(
    State(web): State<Web>,
    door: Door,
    asked: Result<Query<Locale>, axum::extract::rejection::QueryRejection>,
) -> Answer<Response> {
    let Query(asked) = asked.map_err(|error| Refusal::invalid(error.body_text()))?;
    let config = config_of(&web, &door, &asked.locale).await?;
    let mut response = axum::Json(config).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=60"));
    Ok(response)
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Entering {
    locale: String,
}

#[derive(Serialize)]
struct Entered {
    token: String,
    visitor: Welcome,
    status: VisitStatus,
    seq: i64,
    messages: Vec<Line>,
    more: bool,
    config: Announced,
    #[serde(skip_serializing_if = "Option::is_none")]
    switched: Option<bool>,
}

async fn entered(web: &Web, door: &Door, admitted: &Admitted, locale: &str, switched: Option<bool>) -> Answer<Entered> {
    let page = web.desk.page_before(door, &admitted.visitor, None, FIRST).await?;
    if !page.messages.is_empty() {
        web.desk.arrived(door, &admitted.visitor).await?;
    }
    Ok(Entered {
        token: admitted.token.expose().clone(),
        visitor: Welcome::from(&admitted.visitor),
        status: page.status,
        seq: page.seq,
        messages: page.messages,
        more: page.more,
        config: config_of(web, door, locale).await?,
        switched,
    })
}

/// `POST session`
pub async fn enter(
    State(web): State<Web>,
    door: Door,
    Address(address): Address,
    headers: axum::http::HeaderMap,
    Body(entering): Body<Entering>,
) -> Answer<Response> {
    let token = crate::http::session::bearer(&headers);
    if token.is_none() {
        web.rates.take(What::Sessions, &address, web.desk.clock().now()).map_err(Refusal::slow_down)?;
    }
    let token = token.as_ref().map(|token| token.expose().as_str());
    let admitted = web.desk.enter(&door, token, &entering.locale).await?;
    let status = if admitted.fresh { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Told(entered(&web, &door, &admitted, &entering.locale, None).await?)).into_response())
}

/// `DELETE session`
pub async fn leave(State(web): State<Web>, known: Known) -> Answer<StatusCode> {
    web.desk.leave(&known.token).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST identify`
pub async fn identify(
    State(web): State<Web>,
    door: Door,
    known: Known,
    Body(presented): Body<Presented>,
) -> Answer<Response> {
    known.take(&web, What::Identifications)?;
    let done = web.desk.identify(&door, &known.token, &presented).await?;
    let locale = known.visitor.language.unwrap_or_default();
    Ok(Told(entered(&web, &door, &done.admitted, &locale, Some(done.switched)).await?).into_response())
}

#[derive(Deserialize)]
pub struct Wanted {
    after: Option<i64>,
    before: Option<MessageId>,
    limit: Option<i64>,
}

/// `GET messages`
pub async fn messages(
    State(web): State<Web>,
    door: Door,
    known: Known,
    wanted: Result<Query<Wanted>, axum::extract::rejection::QueryRejection>,
) -> Answer<Told<Page>> {
    let Query(wanted) = wanted.map_err(|error| Refusal::invalid(error.body_text()))?;
    let limit = wanted.limit.unwrap_or(FIRST);
    let page = match wanted.after {
        Some(after) => web.desk.page_after(&door, &known.visitor, after.max(0), limit).await?,
        None => web.desk.page_before(&door, &known.visitor, wanted.before, limit).await?,
    };
    if page.messages.iter().any(|line| line.from == "agent") {
        web.desk.arrived(&door, &known.visitor).await?;
    }
    Ok(Told(page))
}

/// What somebody says.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Said {
    client_id: Option<uuid::Uuid>,
    text: String,
    files: Vec<UploadId>,
    page: Option<VisitedPage>,
    fields: Map<String, Value>,
    trigger: Option<String>,
    name: Option<String>,
    email: Option<String>,
    /// A field that people do not see.
    website: String,
}

impl Said {
    fn saying(self, left: bool) -> Answer<Saying> {
        let client_id =
            self.client_id.ok_or_else(|| Refusal::invalid("client_id must be a UUID of your own making."))?;
        if !self.website.is_empty() {
            return Err(Refusal::invalid("website must be empty."));
        }
        let mut answers = self.fields;
        for (key, value) in [("name", self.name), (ClaimKind::Email.as_str(), self.email)] {
            if let Some(value) = value.filter(|_| left) {
                answers.insert(key.to_owned(), Value::String(value));
            }
        }
        Ok(Saying {
            client_id,
            text: self.text,
            files: self.files,
            page: self.page,
            answers,
            trigger: self.trigger,
            left,
        })
    }
}

/// Counts what somebody is about to say.
async fn count(web: &Web, known: &Known, saying: &Saying) -> Answer<()> {
    // Saying the same again costs nothing: a bad line is no flood.
    if !web.desk.was_said(&known.visitor, saying.client_id).await? {
        let (who, now) = (known.visitor.id.to_string(), web.desk.clock().now());
        web.rates.take_named(What::Messages, &who, saying.client_id, now).map_err(Refusal::slow_down)?;
    }
    Ok(())
}

/// `POST messages`
pub async fn say(State(web): State<Web>, door: Door, known: Known, Body(said): Body<Said>) -> Answer<Response> {
    let saying = said.saying(false)?;
    count(&web, &known, &saying).await?;
    let (line, fresh) = web.desk.say(&door, &known.visitor, saying).await?;
    web.hub.visitor_types(known.visitor.id, false);
    let status = if fresh { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Told(line)).into_response())
}

/// `POST offline`
pub async fn offline(State(web): State<Web>, door: Door, known: Known, Body(said): Body<Said>) -> Answer<Response> {
    let saying = said.saying(true)?;
    count(&web, &known, &saying).await?;
    let (by, fresh) = web.desk.leave_word(&door, &known.visitor, saying).await?;
    let status = if fresh { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Told(json!({ "by": by }))).into_response())
}

#[derive(Deserialize)]
pub struct Seen {
    up_to: MessageId,
}

/// `POST read`
pub async fn read(State(web): State<Web>, door: Door, known: Known, Body(seen): Body<Seen>) -> Answer<StatusCode> {
    web.desk.read(&door, &known.visitor, seen.up_to).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
pub struct Rated {
    score: u8,
    #[serde(default)]
    comment: String,
}

/// `POST rating`
pub async fn rate(State(web): State<Web>, door: Door, known: Known, Body(rated): Body<Rated>) -> Answer<StatusCode> {
    known.take(&web, What::Ratings)?;
    web.desk.rate(&door, &known.visitor, Rating { score: rated.score, comment: rated.comment }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST end`
pub async fn end(State(web): State<Web>, door: Door, known: Known) -> Answer<StatusCode> {
    web.desk.end(&door, &known.visitor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET transcript`
pub async fn transcript(State(web): State<Web>, door: Door, known: Known) -> Answer<Response> {
    known.take(&web, What::Transcripts)?;
    let text = web.desk.transcript(&door, &known.visitor).await?;
    Ok((
        [
            (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
            (header::CONTENT_DISPOSITION, "attachment; filename=\"chat.txt\""),
            (header::CACHE_CONTROL, "no-store"),
        ],
        text,
    )
        .into_response())
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Wished {
    email: String,
}

/// `POST transcript`
pub async fn mail_transcript(
    State(web): State<Web>,
    door: Door,
    known: Known,
    Body(wished): Body<Wished>,
) -> Answer<StatusCode> {
    known.take(&web, What::Transcripts)?;
    web.desk.mail_transcript(&door, &known.visitor, &wished.email).await?;
    Ok(StatusCode::ACCEPTED)
}
