//! From method and path to a handler, and from its refusal to an answer.

use std::sync::Arc;
use std::time::Duration;

use http::{Method, Request};
use hyper::body::Incoming;

use super::body::Allowance;
use super::call::{Arrival, Bearer, Call, Parameters};
use super::refusal::Refusal;
use super::reply::{self, Response};
use super::route::{Handler, Route, Site};
use crate::config::Limits;
use crate::wire::{RequestId, query};

/// The pattern that a request matched, for the log and the figures: paths themselves hold ids.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pattern {
    pub(super) path: &'static str,
    /// Which of the router's patterns it is.
    pub(super) place: usize,
}

/// The route table, ready to be asked.
pub(super) struct Router<S: Site> {
    site: Arc<S>,
    paths: matchit::Router<usize>,
    places: Vec<Place<S>>,
    body_timeout: Duration,
}

/// One path with its routes.
struct Place<S: Site> {
    path: &'static str,
    allow: String,
    routes: Vec<(Route<S>, Allowance)>,
}

impl<S: Site> Router<S> {
    /// A router of `table`. None: two of them have the same method and path, or paths that
    /// exclude each other.
    pub(super) fn new(site: S, table: Vec<Route<S>>, limits: &Limits) -> Option<Self> {
        let mut router = Self {
            site: Arc::new(site),
            paths: matchit::Router::new(),
            places: Vec::new(),
            body_timeout: limits.body_timeout,
        };
        for route in table {
            router.add(route, limits)?;
        }
        Some(router)
    }

    /// Every pattern, in the order in which they are counted.
    pub(super) fn patterns(&self) -> impl Iterator<Item = &'static str> {
        self.places.iter().map(|place| place.path)
    }

    /// What its handlers work with.
    #[cfg(test)]
    pub(super) const fn site(&self) -> &Arc<S> {
        &self.site
    }

    fn add(&mut self, route: Route<S>, limits: &Limits) -> Option<()> {
        let allowance = Allowance {
            bytes: route.about.limit.bytes(limits),
            patience: self.body_timeout,
        };
        let known = self.places.iter().position(|at| at.path == route.path);
        let index = if let Some(index) = known {
            index
        } else {
            self.paths.insert(route.path, self.places.len()).ok()?;
            self.places.push(Place {
                path: route.path,
                allow: String::new(),
                routes: Vec::new(),
            });
            self.places.len() - 1
        };
        self.places[index].add(route, allowance)
    }

    /// The answer to `request`, whatever it is.
    pub(super) async fn respond(&self, mut request: Request<Incoming>) -> Response {
        let Some(arrival) = request.extensions_mut().remove::<Arrival>() else {
            return reply::refusal(&Refusal::Panicked, &RequestId::random());
        };
        let id = arrival.id.clone();
        let mut pattern = None;
        let outcome = self.dispatch(request, arrival, &mut pattern).await;
        let mut response = outcome.unwrap_or_else(|refusal| reply::refusal(&refusal, &id));
        if let Some(pattern) = pattern {
            response.extensions_mut().insert::<Pattern>(pattern);
        }
        response
    }

    async fn dispatch(
        &self,
        request: Request<Incoming>,
        arrival: Arrival,
        pattern: &mut Option<Pattern>,
    ) -> Result<Response, Refusal> {
        let (found, parameters) = self.find(request.uri().path()).ok_or(Refusal::NotFound)?;
        let place = self.places.get(found).ok_or(Refusal::NotFound)?;
        *pattern = Some(Pattern {
            path: place.path,
            place: found,
        });
        let (route, allowance) = place.route(request.method())?;
        let call = Call {
            site: self.site.clone(),
            arrival,
            parameters,
            request,
            allowance: *allowance,
        };
        match route.handler {
            Handler::Open(handler) => handler(call).await,
            Handler::Member(handler) => {
                let Bearer::Token(token) = Bearer::of(call.headers()) else {
                    return Err(Refusal::NoToken);
                };
                let member = self.site.authenticate(token).await?;
                handler(member, call).await
            }
        }
    }

    /// Which place `path` leads to, with or without a slash at its end, and its named parts, decoded.
    fn find(&self, path: &str) -> Option<(usize, Parameters)> {
        let path = match path.strip_suffix('/') {
            Some(shorter) if !shorter.is_empty() && !shorter.ends_with('/') => shorter,
            _ => path,
        };
        let found = self.paths.at(path).ok()?;
        let parameters = found.params.iter();
        let decoded = parameters.map(|(key, value)| Some((key.to_owned(), query::decode(value)?)));
        Some((*found.value, decoded.collect::<Option<_>>()?))
    }
}

impl<S: Site> Place<S> {
    fn add(&mut self, route: Route<S>, allowance: Allowance) -> Option<()> {
        if self
            .routes
            .iter()
            .any(|(known, _)| known.method == route.method)
        {
            return None;
        }
        self.routes.push((route, allowance));
        let mut methods: Vec<&str> = Vec::new();
        for (route, _) in &self.routes {
            methods.push(route.method.as_str());
            if route.answers_head() {
                methods.push("HEAD");
            }
        }
        methods.push("OPTIONS");
        self.allow = methods.join(", ");
        Some(())
    }

    /// The route for `method`; `HEAD` is `GET` whose body stays here.
    fn route(&self, method: &Method) -> Result<&(Route<S>, Allowance), Refusal> {
        let wanted = if method == Method::HEAD {
            &Method::GET
        } else {
            method
        };
        let found = self.routes.iter().find(|(route, _)| {
            route.method == wanted && (method != Method::HEAD || route.answers_head())
        });
        found.ok_or_else(|| Refusal::MethodNotAllowed {
            allow: self.allow.clone(),
        })
    }
}
