/*
 * replay_main.c - runs a fuzz target over the files of its corpus folder (argv[1]), for builds
 * without libFuzzer. An empty or missing corpus fails: it would test nothing.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data;
    size_t size;

    if (file == NULL)
        return 1;
    data = malloc(1 << 20);
    if (data == NULL)
        abort();
    size = fread(data, 1, 1 << 20, file);
    (void)fclose(file);
    /* A copy of the exact size lets ASan see the first byte read beyond it. */
    uint8_t *exact = malloc(size == 0 ? 1 : size);
    if (exact == NULL)
        abort();
    for (size_t i = 0; i < size; i++)
        exact[i] = data[i];
    (void)LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    free(data);
    return 0;
}

int main(int argc, char **argv)
{
    DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
    int files = 0;

    if (dir == NULL) {
        (void)fprintf(stderr, "usage: fuzz_x CORPUS_DIR (a folder with at least one file)\n");
        return 2;
    }
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        char path[4096];

        if (entry->d_name[0] == '.')
            continue;
        (void)snprintf(path, sizeof(path), "%s/%s", argv[1], entry->d_name);
        if (replay(path) != 0) {
            (void)fprintf(stderr, "cannot read %s\n", path);
            return 1;
        }
        files++;
    }
    (void)closedir(dir);
    (void)printf("%d files replayed\n", files);
    return files > 0 ? 0 : 1;
}
