"""The files that are sent, found in Postman's working directory."""

CLIP = "clip.mp4"
BROKEN = "broken.mp4"
PICTURE = "picture.jpg"
OTHER_PICTURE = "other-picture.jpg"
TEXT = "no-video.mp4"
