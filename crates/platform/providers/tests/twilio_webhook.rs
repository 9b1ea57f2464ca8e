//! The extractor from the outside: what is refused, in which order, and what a verified form gives.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that meets the unexpected stops there")]

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{Request, StatusCode},
    routing::post,
};
use http_body_util::BodyExt as _;
use nmc_providers::twilio::{
    AuthToken, CallStatus, DialStatusWebhook, InboundSms, OptOutType, SmsStatusWebhook, TwilioForm, TwilioWebhooks,
    VoiceStatusWebhook, VoiceWebhook, WebhookForm, WebhookRejection, WhisperResultWebhook, signature,
    webhook::MAX_BODY_BYTES,
};
use tower::ServiceExt as _;

const BASE: &str = "https://nmc.example/base";
const FORM: &str = "application/x-www-form-urlencoded; charset=UTF-8";
const CALL: &str = "CA0123456789abcdef0123456789abcdef";
const SMS: &str = "SM0123456789abcdef0123456789abcdef";

fn webhooks() -> TwilioWebhooks {
    TwilioWebhooks::new("https://nmc.example/base/", AuthToken::new("12345"))
}

fn encoded(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

fn signed(path: &str, fields: &[(&str, &str)]) -> String {
    signature::sign(&AuthToken::new("12345"), &format!("{BASE}{path}"), fields)
}

/// A form that passed the check, or why it did not.
fn verified(fields: &[(&str, &str)]) -> Result<WebhookForm, WebhookRejection> {
    let request = Request::builder()
        .header("content-type", FORM)
        .header("x-twilio-signature", signed("/hook", fields))
        .body(())
        .unwrap();
    webhooks().verify("/hook", request.headers(), encoded(fields).as_bytes())
}

async fn answer(request: Request<Body>) -> (StatusCode, String) {
    async fn handler(State(_): State<TwilioWebhooks>, form: Result<TwilioForm, WebhookRejection>) -> String {
        match form {
            Ok(TwilioForm(form)) => form.fields().flat_map(|(name, value)| [name, "=", value, ";"]).collect(),
            Err(rejection) => format!("{} {rejection}", rejection.status()),
        }
    }
    let app = Router::new()
        .nest("/nested", Router::new().route("/hook", post(handler)))
        .route("/hook", post(handler))
        .route("/bare", post(async |_: TwilioForm| ()))
        .with_state(webhooks());
    let response = app.oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

fn request(path: &str, signature: Option<&str>, content_type: Option<&str>, body: impl Into<Body>) -> Request<Body> {
    let mut request = Request::post(path).header("host", "evil.example");
    if let Some(signature) = signature {
        request = request.header("X-Twilio-Signature", signature);
    }
    if let Some(content_type) = content_type {
        request = request.header("content-type", content_type);
    }
    request.body(body.into()).unwrap()
}

#[tokio::test]
async fn the_signed_url_is_the_public_one_with_the_whole_path() {
    let fields = [("b", " 1+1 "), ("a", "ü&=")];
    for path in ["/hook", "/hook?intent=a%20b&x=+", "/nested/hook?q=1"] {
        let request = request(path, Some(&signed(path, &fields)), Some(FORM), encoded(&fields));
        assert_eq!(answer(request).await, (StatusCode::OK, "b= 1+1 ;a=ü&=;".to_owned()), "{path}");
    }
    let host_signed = signature::sign(&AuthToken::new("12345"), "https://evil.example/hook", &fields);
    let (_, body) = answer(request("/hook", Some(&host_signed), Some(FORM), encoded(&fields))).await;
    assert!(body.starts_with("401"), "{body}");
}

#[tokio::test]
async fn refused_in_order() {
    let fields = [("a", "1")];
    let good = signed("/hook", &fields);
    let huge = "a".repeat(MAX_BODY_BYTES + 1);
    let refused = async |signature, content_type, body: &str| {
        answer(request("/hook", signature, content_type, body.to_owned())).await.1
    };
    // Without a signature nothing else matters.
    assert!(refused(None, Some("application/json"), &huge).await.starts_with("401"));
    assert!(refused(Some(good.as_str()), Some("application/json"), "{}").await.starts_with("415"));
    assert!(refused(Some(good.as_str()), None, "a=1").await.starts_with("415"));
    assert!(refused(Some(good.as_str()), Some(FORM), &huge).await.starts_with("413"));
    let chunks = futures::stream::iter((0..17).map(|_| Ok::<_, std::io::Error>("a".repeat(64 * 1024))));
    let unannounced = request("/hook", Some(&good), Some(FORM), Body::from_stream(chunks));
    assert!(answer(unannounced).await.1.starts_with("413"));
    let broken = futures::stream::iter([Ok("a="), Err(std::io::Error::other("reset"))]);
    let torn = request("/hook", Some(&good), Some(FORM), Body::from_stream(broken));
    assert!(answer(torn).await.1.starts_with("400"));
    assert!(refused(Some(good.as_str()), Some(FORM), "a=2").await.starts_with("401"));
    assert!(refused(Some("x"), Some(FORM), "a=1").await.starts_with("401"));
    assert!(refused(Some(good.as_str()), Some(FORM), "a=1&a=1").await.starts_with("400"));
    assert_eq!(refused(Some(good.as_str()), Some(FORM), "a=1").await, "a=1;");
    // Unless the handler asks for the reason, the status is the answer.
    assert_eq!(answer(request("/bare", None, Some(FORM), "a=1")).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn two_signatures_are_none() {
    let fields = [("a", "1")];
    let mut request = request("/hook", Some(&signed("/hook", &fields)), Some(FORM), encoded(&fields));
    request.headers_mut().append("x-twilio-signature", "second".parse().unwrap());
    assert!(answer(request).await.1.starts_with("401"));
}

#[test]
fn a_repeated_name_is_refused_by_name() {
    let malformed = |form: Result<WebhookForm, WebhookRejection>| match form {
        Err(WebhookRejection::Malformed { field, .. }) => field.into_owned(),
        other => panic!("{other:?}"),
    };
    assert_eq!(malformed(verified(&[("From", "1"), ("To", "2"), ("From", "3")])), "From");
    // A name that could be anything is not repeated in an answer.
    assert_eq!(malformed(verified(&[("<b>", "1"), ("<b>", "2")])), "body");
}

#[test]
fn the_hash_covers_the_core_fields_only_and_tells_everything_apart() {
    let hash = |fields: &[(&str, &str)]| verified(fields).unwrap().payload_hash(&["b", "a"]);
    let base = hash(&[("a", "1"), ("b", "2")]);
    assert_eq!(base, hash(&[("b", "2"), ("extra", "x"), ("a", "1")]));
    for other in [&[("a", "1")][..], &[("a", "1"), ("b", "")], &[("a", "12"), ("b", "")], &[("a", "2"), ("b", "1")]] {
        assert_ne!(base, hash(other), "{other:?}");
    }
    assert_ne!(hash(&[("a", "1")]), hash(&[("a", "1"), ("b", "")]));
    let form = verified(&[("a", "1"), ("b", "2")]).unwrap();
    assert_eq!(form.payload_hash(&["a", "b", "a"]), base);
    assert_eq!(format!("{form:?}"), r#"{"a", "b"}"#);
}

/// The name of the field that a typed form refuses.
fn refused<T: for<'a> TryFrom<&'a WebhookForm, Error = WebhookRejection> + std::fmt::Debug>(
    fields: &[(&str, &str)],
) -> String {
    match T::try_from(&verified(fields).unwrap()).unwrap_err() {
        WebhookRejection::Malformed { field, .. } => field.into_owned(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn calls_as_types() {
    let call = [("CallSid", CALL), ("From", "+14155550123"), ("To", "+14155550100"), ("CallStatus", "ringing")];
    let voice = VoiceWebhook::try_from(&verified(&call).unwrap()).unwrap();
    assert_eq!((voice.call_sid.as_str(), &voice.call_status), (CALL, &CallStatus::Ringing));
    assert!(!format!("{voice:?}").contains("5550123"));
    for (index, (name, _)) in call.iter().enumerate() {
        let mut without = call.to_vec();
        without.remove(index);
        assert_eq!(refused::<VoiceWebhook>(&without), *name);
        let mut wrong = call.to_vec();
        wrong[index].1 = "not right";
        // Whoever calls, the call is taken: an unreadable caller is a reason, not an error.
        if *name != "From" {
            assert_eq!(refused::<VoiceWebhook>(&wrong), *name);
            assert_eq!(refused::<VoiceStatusWebhook>(&wrong), *name);
        }
    }
    let mut withheld = call.to_vec();
    withheld[1].1 = "";
    assert!(VoiceWebhook::try_from(&verified(&withheld).unwrap()).unwrap().from.untextable().is_some());

    let mut dial = call.to_vec();
    assert_eq!(refused::<DialStatusWebhook>(&dial), "DialCallStatus");
    dial.push(("DialCallStatus", "no-answer"));
    let form = DialStatusWebhook::try_from(&verified(&dial).unwrap()).unwrap();
    assert_eq!((form.dial_call_sid, form.dial_call_duration_seconds), (None, None));
    // What decides nothing loses no call.
    dial.extend([("DialCallDuration", "-1"), ("DialCallSid", "nonsense"), ("CallDuration", "1.5")]);
    let form = DialStatusWebhook::try_from(&verified(&dial).unwrap()).unwrap();
    assert_eq!((form.dial_call_sid, form.dial_call_duration_seconds), (None, None));
    let status = VoiceStatusWebhook::try_from(&verified(&dial).unwrap()).unwrap();
    assert_eq!(status.call_duration_seconds, None);

    let pressed =
        |digits: &str| WhisperResultWebhook::try_from(&verified(&[("CallSid", CALL), ("Digits", digits)]).unwrap());
    assert!(pressed("1").unwrap().accepted());
    assert!(!pressed("").unwrap().accepted() && !pressed("11").unwrap().accepted());
    assert_eq!(refused::<WhisperResultWebhook>(&[("CallSid", CALL), ("Digits", "x")]), "Digits");
}

#[test]
fn texts_as_types() {
    let text = [("MessageSid", SMS), ("From", "+14155550123"), ("To", "+14155550100"), ("Body", "Secret words")];
    let sms = InboundSms::try_from(&verified(&text).unwrap()).unwrap();
    assert_eq!((sms.body.as_str(), sms.media.len(), &sms.opt_out_type), ("Secret words", 0, &None));
    let shown = format!("{sms:?}");
    assert!(!shown.contains("Secret") && !shown.contains("5550123"), "{shown}");
    let with = |more: &[(&'static str, &'static str)]| [&text[..], more].concat();
    let picture = with(&[("NumMedia", "1"), ("MediaUrl0", "https://a.example/x"), ("MediaContentType0", "image/png")]);
    assert_eq!(InboundSms::try_from(&verified(&picture).unwrap()).unwrap().media[0].url, "https://a.example/x");
    let stop = with(&[("OptOutType", "STOP")]);
    assert_eq!(InboundSms::try_from(&verified(&stop).unwrap()).unwrap().opt_out_type, Some(OptOutType::Stop));
    assert_eq!(refused::<InboundSms>(&text[..3]), "Body");

    let status = [("MessageSid", SMS), ("MessageStatus", "undelivered"), ("ErrorCode", "30003")];
    assert_eq!(SmsStatusWebhook::try_from(&verified(&status).unwrap()).unwrap().error_code, Some(30_003));
    assert_eq!(refused::<SmsStatusWebhook>(&status[1..]), "MessageSid");
    assert_eq!(refused::<SmsStatusWebhook>(&[status[0]]), "MessageStatus");
    assert_eq!(refused::<SmsStatusWebhook>(&[status[0], ("MessageStatus", "a b")]), "MessageStatus");
}

#[test]
fn no_text_is_lost_over_what_comes_along_with_it() {
    let read = |fields: &[(&str, &str)]| InboundSms::try_from(&verified(fields).unwrap()).unwrap();
    let text = [("MessageSid", SMS), ("From", "+14155550123"), ("To", "+14155550100"), ("Body", "STOP\0")];
    assert_eq!(read(&text).body, "STOP");
    let long = "x".repeat(40);
    for more in [
        &[("NumMedia", "many")][..],
        &[("NumMedia", "1")],
        &[("NumMedia", "1"), ("MediaUrl0", "nonsense")],
        &[("NumMedia", "1"), ("MediaUrl0", "https://a.example/\0")],
        &[("OptOutType", &long)],
    ] {
        let sms = read(&[&text[..], more].concat());
        assert_eq!((sms.body.as_str(), sms.media.len(), sms.opt_out_type), ("STOP", 0, None), "{more:?}");
    }
    let names: Vec<String> = (0..11).map(|index| format!("MediaUrl{index}")).collect();
    let mut pictures = [&text[..], &[("NumMedia", "11")]].concat();
    pictures.extend(names.iter().map(|name| (name.as_str(), "https://a.example/x")));
    assert_eq!(read(&pictures).media.len(), 10);
}

#[test]
fn more_fields_than_twilio_sends_are_not_even_read() {
    let names: Vec<String> = (0..401).map(|index| format!("f{index}")).collect();
    let fields: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
    assert!(verified(&fields[..400]).is_ok());
    assert_eq!(verified(&fields).unwrap_err(), WebhookRejection::BadSignature);
}

/// The scheme puts nothing between a name and its value, so the same signature fits other cuts of the same text.
#[test]
fn a_signature_that_fits_another_cut_gives_no_form() {
    let genuine = [("Body", "STOP"), ("From", "+14155550123"), ("MessageSid", SMS), ("To", "+14155550100")];
    let cut = [("BodySTOP", ""), ("From", "+14155550123"), ("MessageSid", SMS), ("To", "+14155550100")];
    let swallowed = [("Body", "STOPFrom+14155550123"), ("MessageSid", SMS), ("To", "+14155550100")];
    for fields in [&cut[..], &swallowed[..]] {
        assert_eq!(signed("/hook", fields), signed("/hook", &genuine));
        assert!(InboundSms::try_from(&verified(fields).unwrap()).is_err(), "{fields:?}");
    }
    // What the cuts cannot touch is told apart by the hash.
    let hash = |fields: &[(&str, &str)]| verified(fields).unwrap().payload_hash(InboundSms::CORE_FIELDS);
    assert_ne!(hash(&genuine), hash(&swallowed));
}
