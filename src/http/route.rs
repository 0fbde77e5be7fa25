//! One row of the route table: where, who may, what it does, and all that the description of the
//! API says about it.

use std::future::Future;
use std::pin::Pin;

use http::Method;
use serde_json::Value;
use utoipa::ToSchema;

use super::call::Call;
use super::refusal::Refusal;
use super::reply::Response;
use crate::config::{Limits, Rate};
use crate::wire::Code;

/// What handlers work with, and who its members are.
pub(super) trait Site: Send + Sync + 'static {
    /// Somebody who proved who they are.
    type Member: Send + 'static;

    /// The member whose token this is.
    fn authenticate(
        &self,
        token: &str,
    ) -> impl Future<Output = Result<Self::Member, Refusal>> + Send;
}

/// What a handler does.
pub(super) type Answer = Pin<Box<dyn Future<Output = Result<Response, Refusal>> + Send>>;

/// The answer of a handler that needs no waiting.
pub(super) fn at_once(outcome: Result<Response, Refusal>) -> Answer {
    Box::pin(std::future::ready(outcome))
}

/// A handler, and who may reach it: one that needs a member can't be written without.
pub(super) enum Handler<S: Site> {
    /// Anybody.
    Open(fn(Call<S>) -> Answer),
    /// Whoever has a token.
    Member(fn(S::Member, Call<S>) -> Answer),
}

/// One row of the route table.
pub(super) struct Route<S: Site> {
    pub(super) method: Method,
    /// With `{names}` in braces, and without a slash at its end.
    pub(super) path: &'static str,
    pub(super) handler: Handler<S>,
    pub(super) about: About,
}

/// Which limit a body has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyLimit {
    /// That of a registration.
    Register,
    /// That of everything else.
    Ordinary,
}

impl BodyLimit {
    /// The limit in bytes.
    pub(super) const fn bytes(self, limits: &Limits) -> usize {
        match self {
            Self::Register => limits.register_body,
            Self::Ordinary => limits.body,
        }
    }
}

/// What a person wants to know about a route.
#[derive(Debug)]
pub(super) struct About {
    pub(super) tag: &'static str,
    pub(super) summary: &'static str,
    pub(super) notes: &'static str,
    pub(super) parameters: Vec<Parameter>,
    pub(super) takes: Option<Shape>,
    pub(super) limit: BodyLimit,
    pub(super) gives: Vec<Outcome>,
    pub(super) codes: Vec<Code>,
    pub(super) rates: Vec<RateAbout>,
    pub(super) frames: bool,
    /// Whether asking changes something, so that nobody asks for the head alone.
    pub(super) has_effect: bool,
}

/// Which limit a route has, and by what it is counted.
#[derive(Debug)]
pub(super) struct RateAbout {
    pub(super) rate: fn(&Limits) -> Rate,
    pub(super) per: &'static str,
}

/// A parameter in the path or the query string.
#[derive(Debug)]
pub(super) struct Parameter {
    pub(super) name: &'static str,
    /// `path` or `query`.
    pub(super) place: &'static str,
    pub(super) form: Form,
    pub(super) about: &'static str,
}

/// What a parameter looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Any text.
    Text,
    /// A whole number that isn't negative.
    Number,
    /// A UUID of version 4.
    Id,
}

/// One good answer.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) status: u16,
    pub(super) about: &'static str,
    pub(super) content: Content,
}

/// What an answer carries.
#[derive(Debug, Clone, Copy)]
pub(super) enum Content {
    /// Nothing.
    Empty,
    /// JSON.
    Json(Shape),
    /// JSON whose form is described elsewhere, or a page.
    Opaque(&'static str),
}

/// A type of the wire, as far as the description of the API needs it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// Its name.
    pub(super) name: fn() -> String,
    /// Its schema, and those of the types that it holds.
    pub(super) schemas: fn() -> Vec<(String, Value)>,
}

impl Shape {
    /// The shape of `T`.
    pub(super) const fn of<T: ToSchema>() -> Self {
        Self {
            name: || T::name().into_owned(),
            schemas: || {
                let mut schemas = vec![(T::name().into_owned(), T::schema())];
                T::schemas(&mut schemas);
                let json =
                    |(name, schema)| (name, serde_json::to_value(schema).unwrap_or_default());
                schemas.into_iter().map(json).collect()
            },
        }
    }
}

impl<S: Site> Route<S> {
    /// A route for anybody.
    pub(super) fn open(method: Method, path: &'static str, handler: fn(Call<S>) -> Answer) -> Self {
        Self::new(method, path, Handler::Open(handler))
    }

    /// A route for members.
    pub(super) fn member(
        method: Method,
        path: &'static str,
        handler: fn(S::Member, Call<S>) -> Answer,
    ) -> Self {
        let route = Self::new(method, path, Handler::Member(handler));
        route.codes(&[Code::Unauthorized, Code::TokenExpired])
    }

    /// Notes that a `GET` here takes something, or turns the connection into something else.
    pub(super) fn with_effect(mut self) -> Self {
        self.about.has_effect = true;
        self
    }

    /// Whether `HEAD` is answered here: `GET` without its body.
    pub(super) fn answers_head(&self) -> bool {
        self.method == Method::GET && !self.about.has_effect
    }

    fn new(method: Method, path: &'static str, handler: Handler<S>) -> Self {
        Self {
            method,
            path,
            handler,
            about: About {
                tag: "",
                summary: "",
                notes: "",
                parameters: Vec::new(),
                takes: None,
                limit: BodyLimit::Ordinary,
                gives: Vec::new(),
                codes: Vec::new(),
                rates: Vec::new(),
                frames: false,
                has_effect: false,
            },
        }
    }

    /// What it is for, in a few words, and the chapter it belongs to.
    pub(super) const fn about(mut self, tag: &'static str, summary: &'static str) -> Self {
        self.about.tag = tag;
        self.about.summary = summary;
        self
    }

    /// What else should be known.
    pub(super) const fn notes(mut self, notes: &'static str) -> Self {
        self.about.notes = notes;
        self
    }

    /// Its body is a `T` in JSON, of at most `limit`.
    pub(super) fn takes<T: ToSchema>(mut self, limit: BodyLimit) -> Self {
        self.about.takes = Some(Shape::of::<T>());
        self.about.limit = limit;
        self.codes(&[
            Code::InvalidJson,
            Code::InvalidField,
            Code::PayloadTooLarge,
            Code::UnsupportedMediaType,
            Code::RequestTimeout,
        ])
    }

    /// It answers `status` with a `T` in JSON.
    pub(super) fn gives<T: ToSchema>(self, status: u16, about: &'static str) -> Self {
        self.outcome(status, about, Content::Json(Shape::of::<T>()))
    }

    /// It answers `status`, in whatever form.
    pub(super) fn outcome(mut self, status: u16, about: &'static str, content: Content) -> Self {
        self.about.gives.push(Outcome {
            status,
            about,
            content,
        });
        self
    }

    /// What may go wrong, beyond what its kind of route brings with it.
    pub(super) fn codes(mut self, codes: &[Code]) -> Self {
        self.about.codes.extend_from_slice(codes);
        self
    }

    /// How often, and by whom it is counted.
    pub(super) fn rate(mut self, rate: fn(&Limits) -> Rate, per: &'static str) -> Self {
        self.about.rates.push(RateAbout { rate, per });
        if !self.about.codes.contains(&Code::RateLimited) {
            self.about.codes.push(Code::RateLimited);
        }
        self
    }

    /// A name in braces in its path.
    pub(super) fn path(self, name: &'static str, form: Form, about: &'static str) -> Self {
        self.parameter(name, "path", form, about)
    }

    /// A parameter of its query string.
    pub(super) fn query(self, name: &'static str, form: Form, about: &'static str) -> Self {
        self.parameter(name, "query", form, about)
    }

    fn parameter(
        mut self,
        name: &'static str,
        place: &'static str,
        form: Form,
        about: &'static str,
    ) -> Self {
        self.about.parameters.push(Parameter {
            name,
            place,
            form,
            about,
        });
        self.codes(&[Code::InvalidField])
    }

    /// It opens a WebSocket: the description lists the frames.
    pub(super) const fn frames(mut self) -> Self {
        self.about.frames = true;
        self.about.has_effect = true;
        self
    }

    /// Whether it is for members only.
    pub(super) const fn needs_token(&self) -> bool {
        matches!(self.handler, Handler::Member(_))
    }
}
