//! The description of the API (OpenAPI 3.1), generated from the handlers. `openapi.json` in the repository is this text.

use actix_web::HttpResponse;
use utoipa::OpenApi;

use super::{accounts, campaigns, images, labels, leases, session};

#[derive(OpenApi)]
#[openapi(
    info(title = "aftermap", description = "A crowd compares satellite images; its labels become a damage map."),
    paths(
        accounts::create_guest,
        accounts::create_account,
        session::get_session,
        session::sign_in,
        session::sign_out,
        session::refresh_session,
        accounts::recover_account,
        campaigns::list_campaigns,
        campaigns::get_campaign,
        campaigns::set_campaign_state,
        leases::take_leases,
        leases::release_lease,
        labels::submit_labels,
        images::get_tile_image,
    )
)]
struct Api;

/// The document as text, with a line end.
pub fn document() -> String {
    // A document made of constants can always be written.
    let text = Api::openapi().to_pretty_json().unwrap_or_default();
    text + "\n"
}

/// The document over HTTP.
pub async fn serve() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(document())
}
