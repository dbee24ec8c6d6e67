"""The bundled catalog of providers: the rows, look-up, the nearest slug, and the type `Slug`.

It is handed slugs and texts that users typed, and reads nothing but its own rows. Every room above
it calls it. A new provider is a row in `data` and a line in `slug_type`.
"""
