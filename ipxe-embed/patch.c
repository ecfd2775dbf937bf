#include "patch.h"

#include "little.h"
#include "roots.h"
#include "sbuf.h"
#include "section.h"
#include "symbols.h"

#include <string.h>

#define FINGERPRINT_BYTES 32
#define COUNT_BYTES       4 /* unsigned int */
#define ALIGNMENT         16
#define SECTION_NAME      ".site"

static size_t align(size_t bytes)
{
	return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* ------------------------------------------------------------- survey -- */

struct survey {
	struct elf elf;
	const struct placeholder *placeholder;
	struct sbuf *image;
	struct patch_places *places;
};

/*
 * An object of iPXE, and where it is in the image. All that ld put into one
 * section stays together in whatever is made of it.
 */
struct found {
	struct elf_object object;
	size_t at; /* in the image */
};

static bool find(const struct survey *survey, const char *name,
		 struct found *ret_found)
{
	const struct sbuf *image = survey->image;
	const char *elf = survey->elf.bytes.ptr, *section;
	struct found found;

	if (!elf_find(&survey->elf, name, &found.object))
		return false;
	section = memmem(image->ptr, image->len,
			 elf + found.object.section_offset,
			 found.object.section_size);
	if (!section)
		return false;
	found.at = (size_t)(section - image->ptr) + found.object.offset -
		   found.object.section_offset;
	*ret_found = found;
	return true;
}

/* The only field of an object with a certain value. */
static bool find_field(const struct survey *survey, const struct found *in,
		       size_t bytes, uint64_t value, size_t *ret_at)
{
	const char *object = survey->image->ptr + in->at;
	size_t count = 0;

	for (size_t i = 0; i + bytes <= in->object.size; i += bytes)
		if (little_get(object + i, bytes) == value) {
			*ret_at = in->at + i;
			count++;
		}
	return count == 1;
}

static const char *find_script(const struct survey *survey)
{
	struct patch_places *places = survey->places;
	struct text script = survey->placeholder->script;
	struct found image, data;

	if (!find(survey, "embedded_images", &image) ||
	    !find(survey, "embedded_image_1_data", &data))
		return "the embedded script";
	if (!find_field(survey, &image, places->word, data.object.address,
			&places->script_pointer) ||
	    !find_field(survey, &image, places->word, script.len,
			&places->script_length))
		return "the fields of struct image";
	if (data.at + script.len > survey->image->len ||
	    memcmp(survey->image->ptr + data.at, script.ptr, script.len) != 0)
		return "the bytes of the script";
	places->room = data.at;
	places->room_bytes = script.len;
	places->room_address = data.object.address;
	return NULL;
}

static const char *find_fingerprints(const struct survey *survey)
{
	struct patch_places *places = survey->places;
	const struct root_certificates *roots = survey->placeholder->roots;
	struct found root, digests;
	size_t pointer;

	if (!find(survey, "root_certificates", &root) ||
	    !find(survey, "fingerprints", &digests) ||
	    digests.object.size != PATCH_ROOTS * FINGERPRINT_BYTES)
		return "the roots";
	if (!find_field(survey, &root, COUNT_BYTES, PATCH_ROOTS,
			&places->root_count) ||
	    !find_field(survey, &root, places->word, digests.object.address,
			&pointer))
		return "the fields of struct x509_root";
	for (size_t i = 0; i < PATCH_ROOTS; i++)
		if (memcmp(survey->image->ptr + digests.at +
				   i * FINGERPRINT_BYTES,
			   roots->at[i].digest.sha256, FINGERPRINT_BYTES) != 0)
			return "the fingerprints in order";
	places->fingerprints = digests.at;
	return NULL;
}

static const char *find_certificates(const struct survey *survey)
{
	struct patch_places *places = survey->places;
	const struct root_certificates *roots = survey->placeholder->roots;
	size_t stride = 2 * places->word;
	struct found raw;

	if (!find(survey, "certstore_raw", &raw) ||
	    raw.object.size != PATCH_ROOTS * stride)
		return "the certificates";
	for (size_t i = 0; i < PATCH_ROOTS; i++)
		if (little_get(survey->image->ptr + raw.at + i * stride +
				       places->word,
			       places->word) != roots->at[i].der.len)
			return "the fields of struct asn1_cursor";
	places->certificates = raw.at;
	return NULL;
}

/* Nothing of the placeholders shall be trusted, run, or be in the way of
 * compression. */
static void wipe(const struct survey *survey)
{
	const struct patch_places *places = survey->places;
	const struct root_certificates *roots = survey->placeholder->roots;
	struct sbuf *image = survey->image;
	char *at;

	memset(image->ptr + places->room, 0, places->room_bytes);
	memset(image->ptr + places->fingerprints, 0,
	       PATCH_ROOTS * FINGERPRINT_BYTES);
	for (size_t i = 0; i < PATCH_ROOTS; i++) {
		struct text der = roots->at[i].der;

		at = memmem(image->ptr, image->len, der.ptr, der.len);
		if (at)
			memset(at, 0, der.len);
	}
}

const char *patch_survey(struct text elf, const struct placeholder *placeholder,
			 bool append, struct sbuf *image,
			 struct patch_places *ret_places)
{
	static const char *(*const steps[])(const struct survey *) = {
		find_script, find_fingerprints, find_certificates
	};
	struct patch_places places = { 0 };
	struct survey survey = { .placeholder = placeholder,
				 .image = image,
				 .places = &places };

	if (!elf_open(elf, &survey.elf))
		return "an ELF file";
	places.word = survey.elf.word;
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		const char *missing = steps[i](&survey);

		if (missing)
			return missing;
	}
	wipe(&survey);
	if (append)
		places.room = places.room_bytes = places.room_address = 0;
	*ret_places = places;
	return NULL;
}

bool patch_fits(const struct patch_places *places, size_t image_bytes)
{
	const struct {
		size_t at, bytes;
	} all[] = {
		{ places->script_pointer, places->word },
		{ places->script_length, places->word },
		{ places->root_count, COUNT_BYTES },
		{ places->fingerprints, PATCH_ROOTS * FINGERPRINT_BYTES },
		{ places->certificates, PATCH_ROOTS * 2 * places->word },
		{ places->room, places->room_bytes },
	};

	if (places->word != 4 && places->word != 8)
		return false;
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (all[i].at > image_bytes ||
		    all[i].bytes > image_bytes - all[i].at)
			return false;
	return true;
}

/* -------------------------------------------------------------- patch -- */

static size_t bytes_needed(struct text script,
			   const struct root_certificates *roots)
{
	size_t bytes = align(script.len);

	for (size_t i = 0; i < roots->count; i++)
		bytes += align(roots->at[i].der.len);
	return bytes;
}

/* Where script and certificates go. */
static enum patch_status make_room(const struct patch_places *places,
				   size_t bytes, struct sbuf *image,
				   struct section *ret_room, size_t *ret_excess)
{
	if (!places->room_bytes)
		return section_append(image, SECTION_NAME, bytes, ret_room)
			       ? PATCH_OK
			       : PATCH_FAILED;
	if (bytes > places->room_bytes) {
		*ret_excess = bytes - places->room_bytes;
		return PATCH_TOO_LARGE;
	}
	ret_room->offset = places->room;
	ret_room->address = places->room_address;
	return PATCH_OK;
}

static void put_pair(const struct patch_places *places, struct sbuf *image,
		     size_t pointer_at, size_t length_at, uint64_t address,
		     size_t length)
{
	little_put(image->ptr + pointer_at, places->word, address);
	little_put(image->ptr + length_at, places->word, length);
}

/* Places that are not needed repeat the first: iPXE passes over what it has
 * in its store already. */
static void put_roots(const struct patch_places *places,
		      const struct root_certificates *roots, size_t offset,
		      uint64_t address, struct sbuf *image)
{
	uint64_t first = address;

	for (size_t i = 0; i < PATCH_ROOTS; i++) {
		size_t at = places->certificates + i * 2 * places->word;
		const struct root_certificate *root =
			&roots->at[i < roots->count ? i : 0];

		put_pair(places, image, at, at + places->word,
			 i < roots->count ? address : first, root->der.len);
		if (i >= roots->count)
			continue;
		memcpy(image->ptr + places->fingerprints +
			       i * FINGERPRINT_BYTES,
		       root->digest.sha256, FINGERPRINT_BYTES);
		memcpy(image->ptr + offset, root->der.ptr, root->der.len);
		offset += align(root->der.len);
		address += align(root->der.len);
	}
	little_put(image->ptr + places->root_count, COUNT_BYTES, roots->count);
}

enum patch_status patch(const struct patch_places *places, struct text script,
			const struct root_certificates *roots,
			struct sbuf *image, size_t *ret_excess)
{
	struct section room;
	enum patch_status status = make_room(
		places, bytes_needed(script, roots), image, &room, ret_excess);

	if (status)
		return status;
	memcpy(image->ptr + room.offset, script.ptr, script.len);
	put_pair(places, image, places->script_pointer, places->script_length,
		 room.address, script.len);
	put_roots(places, roots, room.offset + align(script.len),
		  room.address + align(script.len), image);
	return PATCH_OK;
}
