"""Our tables as this peer reads them."""

from django.contrib.auth.models import AbstractBaseUser
from django.db import models


class User(AbstractBaseUser):
    uuid = models.UUIDField(primary_key=True)
    email = models.EmailField(unique=True)
    is_active = models.BooleanField()
    last_login = None
    USERNAME_FIELD = "email"

    class Meta:
        managed = False
        db_table = "user"


class Blob(models.Model):
    uuid = models.UUIDField(primary_key=True)
    sha256 = models.CharField(max_length=64)
    size_bytes = models.BigIntegerField()
    media_type = models.CharField(max_length=100)

    class Meta:
        managed = False
        db_table = "blob"


class Media(models.Model):
    uuid = models.UUIDField(primary_key=True)
    title = models.CharField(max_length=200)
    description = models.CharField(max_length=5000)
    file_name = models.CharField(max_length=255)
    owner = models.ForeignKey(User, models.PROTECT)
    video = models.ForeignKey(Blob, models.PROTECT)
    status = models.CharField(max_length=20)
    technical = models.JSONField(null=True)
    duration_seconds = models.FloatField(null=True)
    revision = models.PositiveIntegerField()
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "media"
