"""The shape: the GraphQL types that third parties build on, over the plain data of the steps."""
