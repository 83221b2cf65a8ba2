use std::panic::AssertUnwindSafe;

use actix_web::dev::Payload;
use actix_web::{FromRequest, Handler, HttpMessage, HttpRequest};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use crate::error::{Code, Problem};
use crate::policy::Policy;

/// A handler whose first argument decides who may call it.
///
/// A handler without a [`Policy`] in front is not a handler here: forgetting it does not compile. The policy is
/// asked before anything else of the request is read, and a panic costs the one request a 500.
#[derive(Clone)]
pub(crate) struct Guarded<F>(pub(crate) F);

impl<F, Args> Handler<(InOrder<Args>,)> for Guarded<F>
where
    F: Handler<Args>,
    Args: Arguments,
{
    type Output = Result<F::Output, Problem>;
    type Future = LocalBoxFuture<'static, Self::Output>;

    fn call(&self, (InOrder(args),): (InOrder<Args>,)) -> Self::Future {
        Box::pin(unless_it_panics(self.0.call(args)))
    }
}

async fn unless_it_panics<T>(answer: impl Future<Output = T>) -> Result<T, Problem> {
    let answer = AssertUnwindSafe(answer).catch_unwind().await;
    answer.map_err(|_| {
        tracing::error!("answering a request panicked");
        Problem::new(Code::InternalError, "the gateway failed to answer")
    })
}

/// A handler's arguments, read one after the other; actix would read them all at once, the body before the
/// caller is known.
pub(crate) struct InOrder<Args>(Args);

impl<Args: Arguments> FromRequest for InOrder<Args> {
    type Error = actix_web::Error;
    type Future = LocalBoxFuture<'static, Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let mut payload = payload.take();
        Box::pin(async move {
            let args = unless_it_panics(Args::extract(&request, &mut payload)).await??;
            Ok(Self(args))
        })
    }
}

/// Arguments of which the first is a [`Policy`].
pub(crate) trait Arguments: Sized + 'static {
    async fn extract(request: &HttpRequest, payload: &mut Payload) -> Result<Self, actix_web::Error>;
}

/// Marks a request that anybody may make.
struct Stranger;

/// Whether anybody may make this request, so that nothing is known of who did.
pub(crate) fn is_from_stranger(request: &HttpRequest) -> bool {
    request.extensions().contains::<Stranger>()
}

macro_rules! arguments {
    ($($rest:ident)*) => {
        impl<P: Policy + 'static $(, $rest: FromRequest + 'static)*> Arguments for (P, $($rest,)*) {
            async fn extract(request: &HttpRequest, payload: &mut Payload) -> Result<Self, actix_web::Error> {
                if P::ADMITS_STRANGERS {
                    request.extensions_mut().insert(Stranger);
                }
                Ok((
                    P::from_request(request, payload).await.map_err(Into::into)?,
                    $($rest::from_request(request, payload).await.map_err(Into::into)?,)*
                ))
            }
        }
    };
}

arguments!();
arguments!(A);
arguments!(A B);
arguments!(A B C);
arguments!(A B C D);

#[cfg(test)]
mod tests {
    use std::future::{Ready, ready};

    use actix_web::dev::Payload;
    use actix_web::http::StatusCode;
    use actix_web::{FromRequest, HttpRequest, HttpResponse, test, web};
    use futures_util::future::LocalBoxFuture;

    use super::Guarded;
    use crate::error::Problem;
    use crate::policy::Policy;

    /// An argument that panics where the path says so.
    struct Fragile;

    impl FromRequest for Fragile {
        type Error = Problem;
        type Future = Ready<Result<Self, Problem>>;

        fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
            assert_ne!(request.path(), "/argument", "on purpose");
            ready(Ok(Self))
        }
    }

    /// A policy that does.
    struct FragilePolicy;

    impl Policy for FragilePolicy {}

    impl FromRequest for FragilePolicy {
        type Error = Problem;
        type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

        fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
            let path = request.path().to_owned();
            Box::pin(async move {
                assert_ne!(path, "/policy", "on purpose");
                Ok(Self)
            })
        }
    }

    #[actix_web::test]
    async fn a_panic_costs_one_request_a_500() {
        async fn fragile(_: FragilePolicy, _: Fragile, path: web::Path<String>) -> HttpResponse {
            assert_ne!(path.as_str(), "handler", "on purpose");
            HttpResponse::Ok().finish()
        }
        let route = web::get().to(Guarded(fragile));
        let service = test::init_service(actix_web::App::new().route("/{word}", route)).await;
        for (path, status) in [
            ("/policy", StatusCode::INTERNAL_SERVER_ERROR),
            ("/argument", StatusCode::INTERNAL_SERVER_ERROR),
            ("/handler", StatusCode::INTERNAL_SERVER_ERROR),
            ("/good", StatusCode::OK),
        ] {
            let request = test::TestRequest::get().uri(path).to_request();
            assert_eq!(
                test::call_service(&service, request).await.status(),
                status,
                "{path}"
            );
        }
    }
}
