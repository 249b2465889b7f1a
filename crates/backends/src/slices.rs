//! Large request bodies in small frames. Given 8 MiB in one frame, the HTTP client copies them into the connection's
//! own buffer, and keeps a buffer of that size for as long as the connection is kept.

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use bytes::{Buf as _, Bytes};
use http_body::{Body, Frame, SizeHint};
use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Bytes of a frame.
const FRAME: usize = 64 * 1024;

/// Has the body of a request sent in small frames. It is signed already, and the same for the receiver.
pub(crate) fn sliced(mut request: HttpRequest) -> HttpRequest {
    if request.body().content_length().is_some_and(|length| length > FRAME as u64) {
        let whole = request.take_body();
        *request.body_mut() = SdkBody::from_body_1_x(Slices { whole: Box::pin(whole), rest: Bytes::new() });
    }
    request
}

struct Slices {
    whole: Pin<Box<SdkBody>>,
    rest: Bytes,
}

impl Body for Slices {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        while self.rest.is_empty() {
            match ready!(self.whole.as_mut().poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(other) => return Poll::Ready(Some(Ok(other))),
                },
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
        let length = self.rest.len().min(FRAME);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(length)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.whole.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let ahead = self.rest.remaining() as u64;
        match self.whole.content_length() {
            Some(length) => SizeHint::with_exact(length + ahead),
            None => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::StreamExt as _;
    use futures::stream::poll_fn;

    #[tokio::test]
    async fn small_frames_hold_the_same_bytes() {
        let content = Bytes::from((0..300_000u32).map(|n| n as u8).collect::<Vec<u8>>());
        let mut request = HttpRequest::new(SdkBody::from(content.clone()));
        request = sliced(request);
        assert_eq!(request.body().content_length(), Some(300_000));
        let mut body = Box::pin(request.take_body());
        let frames: Vec<Bytes> = poll_fn(|context| body.as_mut().poll_frame(context))
            .map(|frame| frame.expect("in memory").into_data().expect("data"))
            .collect()
            .await;
        assert!(frames.len() == 5 && frames.iter().all(|frame| frame.len() <= FRAME));
        assert_eq!(frames.concat(), content);
    }
}
