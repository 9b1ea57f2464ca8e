//! What a person sees and decides.

use nmc_db::{DbError, Tx};
use nmc_effects::{
    IntentState::{self, Accepted, Failed},
    Resolution, Review, status,
};
use nmc_kernel::IntentId;

use crate::{
    house::House,
    provider::{Applied, Ask, Called, Looked},
};

#[tokio::test]
async fn a_person_settles_what_nobody_else_can() {
    let house = House::new().await;
    let engine = house.engine();
    let ambiguous = || Ask::calls(&[Called::TimeOut, Called::Accept]).looks(Looked::Ambiguous);
    let (sent, unsent, again) =
        (house.plan(ambiguous()).await, house.plan(ambiguous()).await, house.plan(ambiguous()).await);
    house.finish(&engine).await;

    let review = Review::new(house.db(), engine.clone());
    assert_eq!(status(&house.db()).await.unwrap().review, 3);
    let listed = review.list(Some(IntentState::Review), 10).await.unwrap();
    assert_eq!(listed.iter().map(|record| record.id).collect::<Vec<_>>(), [sent, unsent, again]);
    assert_eq!(listed[0].outcome.as_ref().unwrap()["review"], "two equal texts");
    assert!(review.list(Some(IntentState::Pending), 10).await.unwrap().is_empty());
    assert_eq!(review.list(None, 2).await.unwrap().len(), 2);
    assert_eq!(review.show(sent).await.unwrap().unwrap().state, IntentState::Review);

    assert!(review.resolve(sent, &Resolution::Accepted("SM1".to_owned()), async |_| Ok(())).await.unwrap());
    assert!(review.resolve(unsent, &Resolution::Failed, async |_| Ok(())).await.unwrap());
    assert!(review.resolve(again, &Resolution::Pending, async |_| Ok(())).await.unwrap());
    let missing: IntentId = house.database.app().ids().next();
    for id in [sent, unsent, again, missing] {
        let noted = async |_: &mut Tx| -> Result<(), DbError> { panic!("nothing was settled") };
        assert!(!review.resolve(id, &Resolution::Failed, noted).await.unwrap(), "only what is in review, and once");
    }
    house.finish(&engine).await;
    let seen = house.see(sent).await;
    assert_eq!(seen.brief(), (Accepted, 1, 0, 0, vec!["accepted"]));
    assert_eq!((seen.outcome_word("/accepted/provider_ref"), seen.outcome_word("/by")), ("SM1", "operator"));
    assert_eq!(house.see(unsent).await.brief(), (Failed, 1, 0, 0, vec!["failed"]));
    assert_eq!(house.see(again).await.brief(), (Accepted, 2, 1, 1, vec!["accepted"]));
    assert_eq!(status(&house.db()).await.unwrap().review, 0);
}

#[tokio::test]
async fn a_decision_that_cannot_be_applied_changes_nothing() {
    let house = House::new().await;
    let engine = house.engine();
    let id = house.plan(Ask::calls(&[Called::TimeOut]).looks(Looked::Ambiguous).applies(Applied::Panics)).await;
    house.finish(&engine).await;
    let review = Review::new(house.db(), engine.clone());
    assert!(review.resolve(id, &Resolution::Failed, async |_| Ok(())).await.is_err());
    assert_eq!(house.see(id).await.brief(), (IntentState::Review, 1, 0, 0, vec![]));
}

#[tokio::test]
async fn what_cannot_be_noted_is_not_settled() {
    let house = House::new().await;
    let engine = house.engine();
    let id = house.plan(Ask::calls(&[Called::TimeOut]).looks(Looked::Ambiguous)).await;
    house.finish(&engine).await;
    let review = Review::new(house.db(), engine);
    let fails = async |_: &mut Tx| Err(DbError::Other(sqlx::Error::RowNotFound));
    assert!(review.resolve(id, &Resolution::Failed, fails).await.is_err());
    assert_eq!(house.see(id).await.brief(), (IntentState::Review, 1, 0, 0, vec![]));
}
