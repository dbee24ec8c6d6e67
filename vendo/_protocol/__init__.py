"""What a Vendo backend says and is told, without any I/O."""

#: The header in which a user's JWT comes from the platform's proxy, and goes to the backend.
JWT_HEADER = "X-Vendo-User-JWT"
