//! How the table of routes is written down: an address, its methods, who answers, and what somebody must be for it.
//!
//! What somebody must be is read off the handler's own signature, so the list that [`listed`] gives, from which the
//! authorization matrix of the tests is made, cannot differ from what is served.

use std::any::type_name;
use std::cell::RefCell;

use actix_web::guard;
use actix_web::http::Method;
use actix_web::web::{resource, route};
use actix_web::{FromRequest, Handler, HttpRequest, Resource, Responder, Route};

use super::error::Error;

/// One method of an address.
pub(super) struct Answer {
    method: Method,
    route: Route,
    door: Option<Door>,
}

/// What somebody must be to pass a handler.
struct Door {
    standing: String,
    in_campaign: bool,
}

/// One method of one address of the server.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// The address with its places: `/api/v1/campaigns/{slug}`.
    pub path: String,
    /// The method: `GET`.
    pub method: String,
    /// The name of the [standing](super::gate::Standing) in the handler's signature; `None`: it asks nobody who they are.
    pub standing: Option<String>,
    /// Whether it is about the campaign that the address names.
    pub in_campaign: bool,
}

thread_local! {
    /// The addresses told so far, while somebody wants the list.
    static LIST: RefCell<Option<Vec<Listed>>> = const { RefCell::new(None) };
}

/// All that [`super::routes`] serves.
pub fn listed() -> Vec<Listed> {
    LIST.set(Some(Vec::new()));
    let _ = actix_web::App::new().configure(super::routes);
    LIST.take().unwrap_or_default()
}

fn tell(path: &str, answers: &[Answer]) {
    let one = |answer: &Answer| Listed {
        path: path.to_owned(),
        method: answer.method.to_string(),
        standing: answer.door.as_ref().map(|door| door.standing.clone()),
        in_campaign: answer.door.as_ref().is_some_and(|door| door.in_campaign),
    };
    LIST.with_borrow_mut(|list| list.iter_mut().for_each(|list| list.extend(answers.iter().map(one))));
}

/// The door among a handler's arguments: `…::InCampaign<…::Coordinator>`.
fn door_of<Args>() -> Option<Door> {
    let arguments = type_name::<Args>();
    let behind = |door: &str| {
        let (_, rest) = arguments.split_once(door)?;
        rest.split('>').next()?.rsplit("::").next()
    };
    let campaign = behind("::gate::InCampaign<");
    let standing = campaign.or_else(|| behind("::gate::By<"))?.to_owned();
    Some(Door { standing, in_campaign: campaign.is_some() })
}

/// One address with the methods it answers to; any other method is told which.
pub(super) fn at<const N: usize>(path: &str, answers: [Answer; N]) -> Resource {
    tell(path, &answers);
    let allowed: Vec<&str> = answers.iter().map(|answer| answer.method.as_str()).collect();
    let allowed = allowed.join(", ");
    let refuse = move |_: HttpRequest| {
        let refusal = Error::method_not_allowed(&allowed);
        async move { Err::<String, Error>(refusal) }
    };
    let routes = answers.into_iter().map(|answer| answer.route);
    routes.fold(resource(path), Resource::route).default_service(route().to(refuse))
}

pub(super) fn get<H: Handler<Args>, Args: FromRequest + 'static>(handler: H) -> Answer
where
    H::Output: Responder + 'static,
{
    let route = route().guard(guard::Any(guard::Get()).or(guard::Head())).to(handler);
    Answer { method: Method::GET, route, door: door_of::<Args>() }
}

pub(super) fn post<H: Handler<Args>, Args: FromRequest + 'static>(handler: H) -> Answer
where
    H::Output: Responder + 'static,
{
    changing(Method::POST, handler)
}

pub(super) fn delete<H: Handler<Args>, Args: FromRequest + 'static>(handler: H) -> Answer
where
    H::Output: Responder + 'static,
{
    changing(Method::DELETE, handler)
}

pub(super) fn put<H: Handler<Args>, Args: FromRequest + 'static>(handler: H) -> Answer
where
    H::Output: Responder + 'static,
{
    changing(Method::PUT, handler)
}

pub(super) fn patch<H: Handler<Args>, Args: FromRequest + 'static>(handler: H) -> Answer
where
    H::Output: Responder + 'static,
{
    changing(Method::PATCH, handler)
}

fn changing<H: Handler<Args>, Args: FromRequest + 'static>(method: Method, handler: H) -> Answer
where
    H::Output: Responder + 'static,
{
    let route = route().guard(guard::fn_guard({
        let method = method.clone();
        move |context| context.head().method == method
    }));
    Answer { method, route: route.to(handler), door: door_of::<Args>() }
}
