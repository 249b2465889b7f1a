//! A provider or an integration; its settings are sealed.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "connections")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub family: String,
    pub kind: String,
    pub name: String,
    pub enabled: bool,
    pub provisioned: bool,
    pub settings: Vec<u8>,
    /// The id in the mark last seen at the provider's place; `None` while unknown.
    pub place: Option<String>,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
