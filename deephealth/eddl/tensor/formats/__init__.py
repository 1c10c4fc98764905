"""File formats of tensors other than EDDL's own; arrays in and out."""

__all__: list[str] = []
