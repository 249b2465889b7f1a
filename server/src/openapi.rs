//! The API's description and Swagger UI.

use crate::public_url::PublicUrl;
use crate::security::SWAGGER;
use crate::state::HttpOptions;
use axum::Router;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY};
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn, PathItem};
use utoipa::openapi::schema::{Schema, SchemaType, Type};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{RefOr, Server};
use utoipa::{Modify, OpenApi};
use utoipa_swagger_ui::{Config, SwaggerUi};

/// Everything around the paths, which the routers provide.
#[derive(Debug, OpenApi)]
#[openapi(
    info(
        title = "Kerberos Vault",
        description = "Agents upload recordings; the Hub, other vaults and ML services read them back. \
            Errors are `{\"error\": code, \"message\": text, \"data\": text}`."
    ),
    tags(
        (name = "Agents", description = "What cameras' agents call."),
        (name = "Recordings", description = "Reading recordings back."),
        (name = "Health", description = "For monitors and load balancers."),
    ),
    // Served with the pages, as administrators may read it; hence not among the routers' paths.
    paths(crate::telemetry::metrics::scrape),
    modifiers(&Schemes),
)]
pub struct ApiDoc;

struct Schemes;

impl Modify for Schemes {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let components = api.components.get_or_insert_default();
        for (name, header, about) in [
            ("access_key", "X-Kerberos-Storage-AccessKey", "Access key of an account. Missing: 400; wrong: 401."),
            (
                "secret_key",
                "X-Kerberos-Storage-SecretAccessKey",
                "Secret key of the account. Missing: 400; wrong: 401.",
            ),
        ] {
            let key = ApiKeyValue::with_description(header, about);
            components.add_security_scheme(name, SecurityScheme::ApiKey(ApiKey::Header(key)));
        }
        let mut token = Http::new(HttpAuthScheme::Bearer);
        token.description = Some("`metrics.token` of the configuration.".into());
        components.add_security_scheme("metrics_token", SecurityScheme::Http(token));
    }
}

/// As it is served: with the path below which the vault lies.
pub fn served(api: utoipa::openapi::OpenApi, http: &HttpOptions) -> utoipa::openapi::OpenApi {
    let mut api = without_null_headers(api);
    let path = http.public_url.as_ref().map(PublicUrl::path).filter(|path| !path.is_empty());
    api.servers = path.map(|path| vec![Server::new(path)]);
    api
}

/// A header is sent or left out, but never null, as utoipa describes optional ones.
pub fn without_null_headers(mut api: utoipa::openapi::OpenApi) -> utoipa::openapi::OpenApi {
    let operations = api.paths.paths.values_mut().flat_map(operations);
    let parameters = operations.flat_map(|operation| operation.parameters.iter_mut().flatten());
    for parameter in parameters {
        if let RefOr::T(Parameter { parameter_in: ParameterIn::Header, schema: Some(schema), .. }) = parameter {
            without_null(schema);
        }
    }
    api
}

fn operations(path: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, head, post, delete, .. } = path;
    [get, head, post, delete].into_iter().flatten()
}

fn without_null(schema: &mut RefOr<Schema>) {
    match schema {
        RefOr::T(Schema::Object(object)) => {
            if let SchemaType::Array(types) = &object.schema_type
                && let [one] = types.iter().filter(|t| **t != Type::Null).collect::<Vec<_>>()[..]
            {
                object.schema_type = SchemaType::Type(one.clone());
            }
        }
        RefOr::T(Schema::OneOf(choice)) => {
            choice.items.retain(|item| !is_null(item));
            if let [_] = choice.items[..] {
                *schema = choice.items.remove(0);
            }
        }
        _ => {}
    }
}

fn is_null(schema: &RefOr<Schema>) -> bool {
    matches!(schema, RefOr::T(Schema::Object(object)) if object.schema_type == SchemaType::Type(Type::Null))
}

/// `/swagger/index.html` and `/swagger/doc.json`.
pub fn swagger<S: Clone + Send + Sync + 'static>(api: utoipa::openapi::OpenApi) -> Router<S> {
    let ui = SwaggerUi::new("/swagger")
        .url("/swagger/doc.json", api)
        // relative to the page, which may be below a path
        .config(Config::from("doc.json").use_base_layout());
    let policy = SetResponseHeaderLayer::overriding(CONTENT_SECURITY_POLICY, HeaderValue::from_static(SWAGGER));
    // The same for everybody.
    let lifetime = SetResponseHeaderLayer::if_not_present(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Router::from(ui).layer(policy).layer(lifetime)
}
