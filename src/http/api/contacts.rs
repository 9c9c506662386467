//! People.

use axum::extract::State;
use serde::Deserialize;

use crate::desk::contacts::Person;
use crate::desk::link::Evidence;
use crate::http::Web;
use crate::http::error::{Answer, Json, Path, Problem, Query};
use crate::http::session::Signed;
use crate::model::ContactId;
use crate::model::conversation::Contact;

/// Whom to look for.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Search {
    /// How a name or handle begins, or a whole address or telephone number.
    q: String,
}

/// Find people
#[utoipa::path(get, path = "/api/contacts", tag = "contacts", params(Search), responses((status = 200, body = [Contact]), (status = 422, body = Problem, content_type = "application/problem+json")))]
pub async fn find(State(web): State<Web>, signed: Signed, Query(search): Query<Search>) -> Answer<Json<Vec<Contact>>> {
    Ok(Json(web.desk.find_contacts(&signed.viewer(), &search.q).await?))
}

/// A person: every handle, every conversation, and who else may be they
#[utoipa::path(get, path = "/api/contacts/{id}", tag = "contacts", params(("id" = ContactId, Path)), responses((status = 200, body = Person), (status = 404, body = Problem, content_type = "application/problem+json")))]
pub async fn show(State(web): State<Web>, signed: Signed, Path(id): Path<ContactId>) -> Answer<Json<Person>> {
    Ok(Json(web.desk.person(&signed.viewer(), id).await?))
}

/// Who is the same person, and why.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLink {
    contact_id: ContactId,
    evidence: Evidence,
}

/// Say that two contacts are one person
#[utoipa::path(post, path = "/api/contacts/{id}/links", tag = "contacts", params(("id" = ContactId, Path)), request_body = NewLink, responses((status = 200, body = Contact), (status = 404, body = Problem, content_type = "application/problem+json"), (status = 422, body = Problem, content_type = "application/problem+json")))]
pub async fn link(
    State(web): State<Web>,
    signed: Signed,
    Path(id): Path<ContactId>,
    Json(link): Json<NewLink>,
) -> Answer<Json<Contact>> {
    Ok(Json(web.desk.link(&signed.viewer(), id, link.contact_id, link.evidence).await?))
}

/// Take a contact out of a person again
#[utoipa::path(delete, path = "/api/contacts/{id}/links/{contact_id}", tag = "contacts", params(("id" = ContactId, Path), ("contact_id" = ContactId, Path)), responses((status = 200, body = Contact), (status = 404, body = Problem, content_type = "application/problem+json")))]
pub async fn unlink(
    State(web): State<Web>,
    signed: Signed,
    Path((id, contact)): Path<(ContactId, ContactId)>,
) -> Answer<Json<Contact>> {
    Ok(Json(web.desk.unlink(&signed.viewer(), id, contact).await?))
}
